"""The sending sources of a run: their ids, names, facilities and destination."""

from __future__ import annotations

import random
from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate

from etl.errors import UsageFault
from etl.synth.dials import Dials, SourceDial
from etl.synth.plan import Plan
from etl.synth.pools import uuid_text


@dataclass(frozen=True, slots=True)
class Source:
    """One sending source; its patients are `first_patient` up to `first_patient + patients`."""

    dial: SourceDial
    source_id: str
    facilities: tuple[str, ...]
    destination_id: str
    destination_name: str
    first_patient: int
    patients: int

    @property
    def name(self) -> str:
        return self.dial.name


def make_sources(dials: Dials) -> tuple[Source, ...]:
    """The sources of the dials; ids that are not given are drawn from the seed and the name.

    Raises UsageFault for names that occur twice.
    """
    names = [dial.name for dial in dials.sources]
    if len(set(names)) < len(names):
        raise UsageFault("Two sources have the same name; give each its own.")
    return tuple(_make(dial, place, dials) for place, dial in enumerate(dials.sources))


def _make(dial: SourceDial, place: int, dials: Dials) -> Source:
    rng = random.Random(f"{dials.seed}/source/{dial.name}")
    return Source(
        dial=dial,
        source_id=dial.source_id or uuid_text(rng),
        facilities=dial.facilities or (f"SYN{place + 1}-A", f"SYN{place + 1}-B"),
        destination_id=uuid_text(rng),
        destination_name="Synthetic Warehouse",
        first_patient=place * dials.patients,
        patients=dials.patients,
    )


@dataclass(frozen=True, slots=True)
class Senders:
    """The sources that send one event type on a day; `edges` are their summed weights."""

    sources: tuple[Source, ...]
    edges: tuple[float, ...]

    def choose(self, draw: float) -> Source:
        """The source for a number drawn from 0 up to 1."""
        place = bisect(self.edges, draw * self.edges[-1])
        return self.sources[min(place, len(self.sources) - 1)]


def senders_of_day(
    plans: tuple[Plan, ...], sources: tuple[Source, ...], *, day: int, count: int
) -> list[Senders]:
    """The senders of each plan on a day, counted from 1; raises UsageFault if nobody sends."""
    active = [source for source in sources if _sends_on(source.dial, day)]
    senders = [_senders(plan, active) for plan in plans]
    if count and not any(sender.sources for sender in senders):
        raise UsageFault(f"No source sends on day {day}; widen the days of one.")
    return senders


def _sends_on(dial: SourceDial, day: int) -> bool:
    return dial.weight > 0 and dial.first_day <= day and (not dial.last_day or day <= dial.last_day)


def _senders(plan: Plan, sources: list[Source]) -> Senders:
    model = plan.event.data_model
    fitting = [s for s in sources if not s.dial.data_models or model in s.dial.data_models]
    return Senders(tuple(fitting), tuple(accumulate(source.dial.weight for source in fitting)))
