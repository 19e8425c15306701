"""Pools of pre-drawn values: what single fields are filled with.

A pool is a list of encoded JSON values; a message takes the element at a drawn number modulo the
length. Slots are pools of one element that the stream sets for each message (ids, times, source).
Values that belong together (a patient, an address) are in `people` and `records`.
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Sequence
from typing import TypeAlias

import orjson

from etl.synth import wordlists
from etl.synth.clock import Clock
from models.catalog.records import Catalog, Field, JsonType, NumberKind

Value: TypeAlias = str | int | float | bool
Pool: TypeAlias = list[bytes]

MANY, SOME, FEW = 8_191, 1_009, 61
SLOTS = (
    "destination_id", "destination_name", "log_id", "attempt_id", "redox_message_id",
    "transmission_id", "event_at", "test", "source_id", "source_name", "facility_code",
)  # fmt: skip


def plain_number(value: float) -> int | float:
    """A number as JavaScript prints it: 100, never 100.0."""
    return int(value) if float(value).is_integer() else value


def json_bytes(value: Value) -> bytes:
    """A value as JSON in no more memory than it needs; orjson leaves its buffer of a KB around it."""
    return bytes(memoryview(orjson.dumps(value)))


def as_text(value: Value) -> str:
    return orjson.dumps(value).decode() if not isinstance(value, str) else value


def encode(value: Value, field: Field) -> bytes | None:
    """One value as JSON of the field's listed type; None where it has no such form."""
    if field.json_type is JsonType.BOOLEAN:
        return json_bytes(value) if isinstance(value, bool) else None
    if field.json_type is not JsonType.NUMBER:
        return json_bytes(as_text(value))
    try:
        number = float(value)
    except ValueError:
        return None
    rounded = round(number) if field.number_kind is NumberKind.INTEGER else number
    return json_bytes(plain_number(rounded))


class Pools:
    """All single-value pools of one run, drawn from the seed when first asked for."""

    def __init__(self, catalog: Catalog, *, seed: int, clock: Clock) -> None:
        self.catalog = catalog
        self.clock = clock
        self.slots: dict[str, Pool] = {name: [b"null"] for name in SLOTS}
        self._seed = seed
        self._values: dict[str, list[Value]] = {}
        self._encoded: dict[tuple[str, JsonType, NumberKind | None], Pool | None] = {}

    def rng(self, name: str) -> random.Random:
        """A generator of its own for each name, so that no pool depends on another."""
        return random.Random(f"{self._seed}/{name}")

    def pool_for(self, field: Field, name: str) -> Pool:
        """The encoded pool of a field: slot, time, value set, named pool, or what its type has."""
        kind, _, rest = name.partition(".")
        if kind == "slot":
            return self.slots[rest]
        if field.temporal:
            return self.clock.pool(field, name)
        supported = self.supported_values(field)
        if kind == "only":  # those of the set that go with the other values of a message
            supported = tuple(value for value in rest.split("|") if value in supported) or supported
        if supported:
            return [json_bytes(value) for value in supported]
        for candidate in (name, _fallback(field)):
            pool = self._encoded_pool(candidate, field)
            if pool:
                return pool
        raise KeyError(f"no values for {field.path}; add a pool for it")

    def supported_values(self, field: Field) -> tuple[str, ...]:
        """The values of the field's value set where the catalog lists them."""
        value_set = self.catalog.value_sets.get(field.value_set)
        if value_set is None or value_set.kind == "external":
            return ()
        return value_set.values

    def values(self, name: str) -> list[Value]:
        """The unencoded values of a named pool; [] where there is none of that name."""
        if name not in self._values:
            self._values[name] = self._draw(name)
        return self._values[name]

    def _draw(self, name: str) -> list[Value]:
        kind, _, rest = name.partition(".")
        if kind == "word":
            return list(_word_list(rest))
        if kind == "set":
            value_set = self.catalog.value_sets.get(rest)
            return list(value_set.values) if value_set else []
        drawer = DRAWERS.get(name)
        if drawer is None:
            return []
        count, draw = drawer
        rng = self.rng(name)
        return [draw(rng) for _ in range(count)]

    def _encoded_pool(self, name: str, field: Field) -> Pool | None:
        key = (name, field.json_type, field.number_kind)
        if key not in self._encoded:
            encoded = [encode(value, field) for value in self.values(name)]
            complete = [value for value in encoded if value is not None]
            self._encoded[key] = complete if len(complete) == len(encoded) else None
        return self._encoded[key]


def _word_list(name: str) -> Sequence[str]:
    if name == "first_name":
        return (*wordlists.words()["first_male"], *wordlists.words()["first_female"])
    if name in ("city", "state", "county"):
        return tuple(place[name] for place in wordlists.places())
    return wordlists.words().get(name, ())


def _fallback(field: Field) -> str:
    if field.json_type is JsonType.BOOLEAN:
        return "boolean.common"
    return "number.small" if field.json_type is JsonType.NUMBER else "word.phrase"


def uuid_text(rng: random.Random) -> str:
    """A version 4 UUID drawn from the seed."""
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def phone_text(rng: random.Random) -> str:
    """A number of the 555-01xx block, which belongs to nobody."""
    return f"+1{rng.randrange(200, 990)}55501{rng.randrange(100):02d}"


def _sentences(rng: random.Random, most: int) -> str:
    return " ".join(rng.choices(wordlists.words()["sentence"], k=rng.randint(1, most)))


def _email(rng: random.Random) -> str:
    return f"synthetic.{rng.randrange(10**5)}@example.{rng.choice(('com', 'org', 'net'))}"


def _base64(rng: random.Random) -> str:
    return base64.b64encode(_sentences(rng, 12).encode()).decode()


Drawer: TypeAlias = tuple[int, Callable[[random.Random], Value]]
DRAWERS: dict[str, Drawer] = {
    "id.number": (MANY, lambda r: str(r.randrange(10**7, 10**9))),
    "id.visit": (MANY, lambda r: f"V{r.randrange(10**8):08d}"),
    "id.uuid": (MANY, uuid_text),
    "id.npi": (SOME, lambda r: f"99{r.randrange(10**8):08d}"),
    "id.ssn": (
        MANY,
        lambda r: f"9{r.randrange(100):02d}-{r.randrange(100):02d}-{r.randrange(10**4):04d}",
    ),
    "id.ndc": (SOME, lambda r: f"{r.randrange(10**11):011d}"),
    "id.zip": (SOME, lambda r: f"{r.randrange(100, 99999):05d}"),
    "id.phone": (SOME, phone_text),
    "id.email": (SOME, _email),
    "id.room": (SOME, lambda r: str(r.randrange(100, 600))),
    "text.street": (
        SOME,
        lambda r: f"{r.randrange(1, 9999)} {r.choice(wordlists.words()['street'])}",
    ),
    "text.sentence": (SOME, lambda r: _sentences(r, 3)),
    "text.markup": (FEW, lambda r: f"<paragraph>{_sentences(r, 6)}</paragraph>"),
    "text.long": (FEW, _base64),
    "text.url": (SOME, lambda r: f"https://example.org/{r.randrange(10**6)}"),
    "text.file_name": (SOME, lambda r: f"synthetic-{r.randrange(10**4)}"),
    "text.clock": (FEW, lambda r: f"{r.randrange(6, 20):02d}:{r.choice((0, 15, 30, 45)):02d}"),
    "number.small": (FEW, lambda r: r.randrange(1, 100)),
    "number.minutes": (FEW, lambda r: 15 * r.randrange(1, 17)),
    "number.money": (SOME, lambda r: plain_number(round(r.uniform(1, 900), 2))),
    "number.measure": (SOME, lambda r: plain_number(round(r.uniform(1, 200), 1))),
    "number.low": (SOME, lambda r: plain_number(round(r.uniform(1, 40), 1))),
    "number.normal": (SOME, lambda r: plain_number(round(r.uniform(40, 120), 1))),
    "number.high": (SOME, lambda r: plain_number(round(r.uniform(120, 200), 1))),
    "number.share": (SOME, lambda r: plain_number(round(r.random(), 4))),
    "number.age": (FEW, lambda r: r.randrange(18, 95)),
    "number.drg": (SOME, lambda r: r.randrange(100, 999)),
    "boolean.common": (FEW, lambda r: r.random() < 0.8),
    "boolean.rare": (FEW, lambda r: r.random() < 0.1),
    "boolean_text.common": (FEW, lambda r: "true" if r.random() < 0.8 else "false"),
    "boolean_text.rare": (FEW, lambda r: "true" if r.random() < 0.1 else "false"),
}
