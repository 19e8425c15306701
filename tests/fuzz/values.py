"""Hostile values: what senders write where something else is listed, and what parsers trip over."""

from __future__ import annotations

from random import Random

from tests.reference.json_text import Number, Object, Value
from tests.reference.shapes import Node

TEXTS = (
    "", " ", "0", "1", "53703", "true", "null", "Ann", "O'Neil", 'say "hi"', "back\\slash", "a/b",
    "\t\r\n", "\x00", "\x01\x1f\x7f", "\x85", "\u2028\u2029", "é", "e\u0301", "\ufeffx", "😀",
    "\U0010ffff", "\uffff", "\ud83d", "\ude00", "\ud83dx\ude00", "\ude00\ud83d", '""""', "{}", "[]",
    '{"a":1}', "2026-03-02", "2026-03-02T10:20:30.000Z", "2026-03-02T24:00:00Z", "1e2", "-0",
    "x" * 63, "x" * 64, "x" * 200, "\\u0022", "Ω" * 40,
)  # fmt: skip
NUMBERS = (
    "0", "-0", "1", "-1", "7", "470", "1.10", "1.1", "0.1", "0.30000000000000004", "12.3456",
    "12.34565", "1e2", "1E+2", "1e-2", "100", "5e-324", "1e308", "1e400", "-1e400", "1e-400",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "99999999999999.9999", "100000000000000", "12345678901234567890", "0.0", "-0.0", "0e5", "1e41",
    "123456789012345", "1234567890123456", "3.0", "1e-41", "4" * 40, "0.1000000000000000055511151231257827",
)  # fmt: skip
ODD_KEYS = ("", " ", "Unlisted", "odd key", "a.b", "x[]", "É", "id", "ID ", "\x00", "\ud83d", "a" * 70,
            "Extensions", "url", "constructor", 'qu"ote', "Meta", "DataModel")  # fmt: skip
SCALARS = {
    "string": lambda random: random.choice(TEXTS),
    "boolean": lambda random: random.random() < 0.5,
    "integer": lambda random: Number(str(random.choice((0, 7, -12, 470, 2**63 - 1, -(2**63))))),
    "money": lambda random: Number(random.choice(("0", "12.5", "-3.25", "99999999999999.9999"))),
    "double": lambda random: Number(random.choice(("0", "0.1", "-3.25", "120", "123456789012345"))),
    "number": lambda random: Number(random.choice(("0", "0.1", "120"))),
}  # fmt: skip


def listed_scalar(random: Random, kind: str) -> Value:
    """A scalar of a listed type; where none is listed, anything."""
    return SCALARS[kind](random) if kind in SCALARS else any_value(random)


def any_value(random: Random, depth: int = 3) -> Value:
    """Any JSON value, small."""
    kind = random.randrange(9 if depth else 6)
    if kind == 0:
        return None
    if kind == 1:
        return random.random() < 0.5
    if kind in (2, 3):
        return Number(random.choice(NUMBERS))
    if kind in (4, 5):
        return random.choice(TEXTS)
    if kind == 6:
        return [any_value(random, depth - 1) for _ in range(random.randrange(4))]
    return Object(
        tuple((any_key(random), any_value(random, depth - 1)) for _ in range(random.randrange(4)))
    )


def any_key(random: Random) -> str:
    """A key that no object lists, mostly."""
    return random.choice(ODD_KEYS)


def extensions(random: Random) -> Value:
    """Extensions in the documented shape, mostly."""
    if random.random() < 0.2:
        return any_value(random)
    typed = Object((("url", "https://example.invalid/x"), ("string", random.choice(TEXTS))))
    coding = Object((("coding", Object((("code", "c"), ("rank", Number("1.0"))))),))
    return Object((("slug", typed), (random.choice(TEXTS), coding)))


def value_of(random: Random, node: Node, *, fill: float, depth: int = 0) -> Value:
    """A value as listed at a node; `fill` is the share of its keys that are filled."""
    if node.kind == "leaf":
        return listed_scalar(random, node.type)
    if node.kind == "object":
        return object_of(random, node, fill=fill, depth=depth + 1)
    count = random.choice((0, 1, 1, 2, 3))
    if node.kind == "scalars":
        return [listed_scalar(random, node.type) for _ in range(count)]
    return [object_of(random, node, fill=fill, depth=depth + 1) for _ in range(count)]


def object_of(random: Random, node: Node, *, fill: float, depth: int = 0) -> Object:
    """An object with some of its listed keys, fewer the deeper it is."""
    wanted = min(len(node.children), 1 + int(random.expovariate(1 / (4 * fill / (depth + 1)))))
    keys = random.sample(sorted(node.children), wanted)
    return Object(
        tuple(
            (key, value_of(random, random.choice(node.children[key]), fill=fill, depth=depth))
            for key in keys
            if key != "Meta"
        )
    )
