"""People and their records at a source: who they are, what was said of them, what is true.

A record is one registration under one id of the source; a person can have several by mistake,
which merges put right. `told` holds what messages said, each field as it was last said.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from etl.synth import wordlists
from etl.synth.clock import birth_dates
from etl.synth.pools import uuid_text
from etl.synth.scenarios.senders import Sender

RACES = (
    ("White", 60), ("Black or African American", 14), ("Asian", 7), ("Other Race", 8),
    ("American Indian or Alaska Native", 1), ("Unknown", 10),
)  # fmt: skip
MARITAL = ("Single", "Married", "Divorced", "Widowed")
ADDRESS = ("address", "city", "state", "zip_code", "county")
FACTS = (
    "first_name", "middle_name", "last_name", "birth_date", "sex", "race", "is_hispanic",
    "language", "marital_status", *ADDRESS, "phone_home", "phone_mobile", "email", "is_deceased",
    "death_at",
)  # fmt: skip
NAME = ("first_name", "middle_name", "last_name")

Facts = dict[str, Any]


@dataclass(slots=True, eq=False)
class Record:
    """One registration. `identifiers` maps id types to ids; its own type comes first.

    `merged_into` is the record that a merge made its survivor, None while it stands.
    """

    sender: Sender
    identifiers: dict[str, str]
    facts: Facts
    told: Facts = field(default_factory=dict)
    messages: int = 0
    first_seen: int = 0
    last_seen: int = 0
    merged_into: Record | None = None
    retired: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=set)

    @property
    def patient_id(self) -> str:
        """The id under which this record is known, whether it stands or not."""
        return f"{self.sender.source_id}:{self.identifiers[self.sender.id_type]}"

    def survivor(self) -> Record:
        """The record that its merges lead to."""
        record = self
        while record.merged_into:
            record = record.merged_into
        return record

    def see(self, said: Facts, at: int) -> None:
        """Take in that a message named this record and said something."""
        self.told.update(said)
        self.first_seen = self.first_seen or at
        self.last_seen = at
        self.messages += 1


@dataclass(slots=True, eq=False)
class Person:
    """A human being; `record` is the one that messages name now."""

    record: Record
    is_test: bool = False


def new_record(sender: Sender, rng: random.Random, facts: Facts) -> Record:
    """A new registration with ids of every type that the source gives."""
    identifiers = {sender.id_type: sender.next_id("patient")}
    for id_type in sender.other_id_types:
        identifiers[id_type] = uuid_text(rng) if id_type == "EHRID" else f"{rng.getrandbits(60):x}"
    return Record(sender, identifiers, dict(facts))


def draw_facts(rng: random.Random) -> Facts:
    """Somebody invented. Middle name, mobile phone and e-mail are missing with some."""
    words = wordlists.words()
    sex = rng.choices(("Female", "Male", "Nonbinary"), (50, 48, 2))[0]
    firsts = {"Female": words["first_female"], "Male": words["first_male"]}.get(sex)
    first = rng.choice(firsts or words["first_female"] + words["first_male"])
    last = rng.choice(words["last_name"])
    facts: Facts = {
        "first_name": first,
        "middle_name": rng.choice("ABCDEFGHJKLMNPRST") if rng.random() < 0.5 else None,
        "last_name": last,
        "birth_date": birth_dates(rng, 1)[0],
        "sex": sex,
        "race": rng.choices([race for race, _ in RACES], [share for _, share in RACES])[0],
        "is_hispanic": rng.random() < 0.18,
        "language": rng.choices(("en", "es", "vi"), (85, 12, 3))[0],
        "marital_status": rng.choice(MARITAL),
        "phone_home": phone(rng),
        "phone_mobile": phone(rng) if rng.random() < 0.7 else None,
        "email": f"{first}.{last}{rng.randrange(1000)}@example.com".lower().replace("'", "")
        if rng.random() < 0.6
        else None,
        "is_deceased": None,
        "death_at": None,
    }
    return facts | draw_address(rng)


def draw_address(rng: random.Random) -> Facts:
    """An invented address, all parts of it."""
    place = rng.choice(wordlists.places())
    street = rng.choice(wordlists.words()["street"])
    parts = (f"{rng.randint(1, 9999)} {street}", place["city"], place["state"], place["zip"])
    return dict(zip(ADDRESS, (*parts, place["county"]), strict=True))


def phone(rng: random.Random) -> str:
    """A phone number that is nobody's."""
    return f"+1{rng.randint(201, 989)}55501{rng.randrange(100):02d}"


def truth_of(record: Record, retired: list[Record]) -> Facts:
    """What is known at the end: what the survivor's messages said, its blanks from the retired.

    Name and address are taken whole. Of several retired records the one heard of last fills first.
    """
    known: Facts = {}
    for one in (record, *sorted(retired, key=lambda one: -one.last_seen)):
        for group in (NAME, ADDRESS, *((name,) for name in FACTS if name not in NAME + ADDRESS)):
            if all(known.get(name) is None for name in group):
                known |= {name: one.told.get(name) for name in group}
    return known
