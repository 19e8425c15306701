"""The settings of a run of scenarios. Plain records, no work."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic.dataclasses import dataclass

from etl.synth.dials import DEFAULT_FIRST_DAY, STRICT, Compression, Count, Share


class Arrival(StrEnum):
    """The order in which messages are written; the truth is the same for all."""

    IN_ORDER = "in-order"
    SHUFFLED = "shuffled"


@dataclass(frozen=True, slots=True, config=STRICT)
class ScenarioDials:
    """What a run of scenarios writes.

    `patients` is the number of people over all sources; `sources` how many of the named senders
    send, each into a folder of its own if `by_sender`; `late` the share of messages that are
    delivered hours to days after their event. The period is `days` days from `first_day`, UTC.
    What is not over at its end stays open.
    """

    patients: Count = 1_000
    sources: Count = 3
    seed: int = 1
    first_day: date = DEFAULT_FIRST_DAY
    days: Count = 30
    arrival: Arrival = Arrival.IN_ORDER
    late: Share = 0.0
    by_sender: bool = False
    compression: Compression = Compression.NONE
    files: Count = 1
