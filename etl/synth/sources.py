"""The sending sources of a run: their ids, names, facilities and destination."""

from __future__ import annotations

import random
from dataclasses import dataclass

from etl.synth.dials import Dials, SourceDial
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
    """The sources of the dials; ids that are not given are drawn from the seed and the name."""
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
