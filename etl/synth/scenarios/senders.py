"""The named sources of a run: what they are, their staff, and the counters of their ids."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from etl.synth import wordlists
from etl.synth.pools import uuid_text
from etl.synth.scenarios.lists import lines

PROVIDERS = 40
# where each counter of a source begins; ids of different things never look alike
FIRST_NUMBERS = {
    "patient": 100_000, "visit": 5_000_000, "account": 700_000, "order": 20_000_000,
    "message": 1_000_000, "document": 300_000, "charge": 40_000_000, "claim": 900_000,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Provider:
    """One member of the staff."""

    npi: str
    first_name: str
    last_name: str


@dataclass(slots=True)
class Sender:
    """One sending source. `id_type` is the type of its own patient identifiers."""

    source_id: str
    name: str
    kind: str
    facility: str
    facility_code: str
    id_type: str
    other_id_types: tuple[str, ...]
    destination_id: str
    providers: tuple[Provider, ...]
    counters: Counter[str] = field(default_factory=Counter)

    def next_id(self, thing: str) -> str:
        """The next number of a counter as text, unique among the things of this source."""
        self.counters[thing] += 1
        return str(FIRST_NUMBERS[thing] + self.counters[thing])


def make_senders(count: int, seed: int) -> tuple[Sender, ...]:
    """The first senders of the list; further rounds carry a number behind their names."""
    listed = lines("senders")
    return tuple(_make(place, len(listed), seed) for place in range(count))


def _make(place: int, listed: int, seed: int) -> Sender:
    line = lines("senders")[place % listed]
    again = f" {place // listed + 1}" if place >= listed else ""
    name = line["name"] + again
    rng = random.Random(f"{seed}/sender/{name}")
    return Sender(
        source_id=uuid_text(rng),
        name=name,
        kind=line["kind"],
        facility=line["facility"] + again,
        facility_code=line["facility_code"] + again.strip(),
        id_type=line["id_type"],
        other_id_types=tuple(line["other_id_types"].split("|")),
        destination_id=uuid_text(rng),
        providers=tuple(_provider(rng, 1_000 * (place + 1) + n) for n in range(PROVIDERS)),
    )


def _provider(rng: random.Random, number: int) -> Provider:
    words = wordlists.words()
    first = rng.choice(words["first_female"] + words["first_male"])
    return Provider(f"9{number:09d}", first, rng.choice(words["last_name"]))
