"""People and their records at a source: who they are, what was said of them, what is true.

A record is one registration under one id of the source; a person can have several by mistake,
which merges put right.
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

GROUPS = (NAME, ADDRESS, *((name,) for name in FACTS if name not in NAME + ADDRESS))

Facts = dict[str, Any]
Told = dict[str, tuple[int, Any]]


@dataclass(slots=True)
class Seen:
    """When something was heard of, and how often."""

    first: int = 0
    last: int = 0
    messages: int = 0

    def at(self, at: int) -> None:
        """Take in one message."""
        self.first = min(self.first or at, at)
        self.last = max(self.last, at)
        self.messages += 1

    def with_(self, other: Seen) -> Seen:
        """Both together."""
        firsts = [one for one in (self.first, other.first) if one]
        return Seen(
            min(firsts, default=0), max(self.last, other.last), self.messages + other.messages
        )


@dataclass(slots=True, eq=False)
class Record:
    """One registration. `identifiers` maps id types to ids; its own type comes first.

    `told` has each field as it was last said, with the instant; `plans_told` the newest list of
    insurances. `merged_into` is the record that a merge made its survivor, None while it stands;
    `told_before` is what had been said by then. `retired` are the id types that the merge took
    away, `retirings` when merges named them.
    """

    sender: Sender
    identifiers: dict[str, str]
    facts: Facts
    told: Told = field(default_factory=dict)
    seen: Seen = field(default_factory=Seen)
    merged_into: Record | None = None
    told_before: Told = field(default_factory=dict)
    plans_told: tuple[int, tuple[Any, ...]] = (0, ())
    retired: tuple[str, ...] = ()
    retirings: dict[str, Seen] = field(default_factory=dict)

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
        """Take in that a message named this record and said something.

        Name and address are said whole: what they leave out is no longer known.
        """
        for group in GROUPS:
            if any(name in said for name in group):
                self.told |= {name: (at, said.get(name)) for name in group}
        self.seen.at(at)

    def retire(self, types: tuple[str, ...], into: Record, at: int) -> None:
        """Merge this record into another, which stands from now on."""
        into.merged_into, into.retired = None, ()
        self.merged_into, self.retired = into, types
        self.told_before = dict(self.told)
        for id_type in types:
            self.retirings.setdefault(id_type, Seen()).at(at)


@dataclass(slots=True, eq=False)
class Person:
    """A human being; `record` is the one that messages name now, `plans` the insurance."""

    record: Record
    is_test: bool = False
    plans: tuple[Any, ...] = ()


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

    Name and address are taken whole. Retired records fill with what was said before their merge,
    the newest first.
    """
    known: Facts = {}
    for group in GROUPS:
        chosen = _newest(group, [record.told]) or _newest(
            group, [one.told_before for one in retired]
        )
        known |= {name: chosen[name][1] if chosen else None for name in group}
    return known


def _newest(group: tuple[str, ...], tellings: list[Told]) -> Told | None:
    """The newest of several tellings of a group of fields, None if nobody told."""
    told = [one for one in tellings if group[0] in one]
    return max(told, key=lambda one: one[group[0]][0], default=None)
