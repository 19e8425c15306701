"""Breaks messages so that they must be quarantined whole, with the reason for each way."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

import orjson

DEPTH = 200
SCALARS = (b"42", b'"synthetic text"', b"null", b"true", b"3.5")
BAD_BYTES = (b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\xf5\x80\x80\x80")


class Break(NamedTuple):
    """One way to break a message; `is_json` tells whether what is left is still JSON text."""

    form: str
    reason: str
    is_json: bool
    apply: Callable[[bytes, random.Random], bytes]


def _cut(body: bytes, rng: random.Random) -> bytes:
    """Cut within a text, just after its opening quote."""
    return body[: rng.choice(_finds(body, b'":"')) + 3]


def _finds(body: bytes, pattern: bytes) -> list[int]:
    places, place = [], body.find(pattern)
    while place >= 0:
        places.append(place)
        place = body.find(pattern, place + 1)
    return places


def _non_finite(body: bytes, rng: random.Random) -> bytes:
    word = rng.choice((b"NaN", b"Infinity", b"-Infinity"))
    return body[:-1] + b',"Synthetic":%b}' % word


def _bad_utf8(body: bytes, rng: random.Random) -> bytes:
    place = rng.choice(_finds(body, b'":"')) + 3
    return body[:place] + rng.choice(BAD_BYTES) + body[place:]


def _garbage(body: bytes, rng: random.Random) -> bytes:
    """Text where a key must be; behind the message it would be an item of its own."""
    return body[:1] + rng.choice((b"synthetic garbage ", b"\\", b"<!-- -->")) + body[1:]


def _syntax(body: bytes, rng: random.Random) -> bytes:
    broken = (body.replace(b'":', b'"=', 1), body.replace(b'"', b"'"), b"{," + body[1:])
    return rng.choice(broken)


def _no_object(_: bytes, rng: random.Random) -> bytes:
    return rng.choice(SCALARS)


def _unknown_model(body: bytes, _: random.Random) -> bytes:
    payload = orjson.loads(body)
    payload["Meta"]["DataModel"] = "Synthetic Model"
    return orjson.dumps(payload)


def _no_meta(body: bytes, rng: random.Random) -> bytes:
    payload = orjson.loads(body)
    meta = payload.pop("Meta")
    if rng.random() < 0.5:
        meta.pop("DataModel")
        payload = {"Meta": meta, **payload}
    return orjson.dumps(payload)


def _too_deep(body: bytes, _: random.Random) -> bytes:
    return body[:-1] + b',"Synthetic":%b1%b}' % (b"[" * DEPTH, b"]" * DEPTH)


BREAKS = (
    Break("truncated", "truncated", False, _cut),
    Break("non_finite_number", "non_finite_number", False, _non_finite),
    Break("bad_utf8", "bad_utf8", False, _bad_utf8),
    Break("stray_text", "not_json", False, _garbage),
    Break("syntax", "not_json", False, _syntax),
    Break("not_object", "not_object", True, _no_object),
    Break("unknown_data_model", "unknown_data_model", True, _unknown_model),
    Break("no_meta", "no_meta", True, _no_meta),
    Break("too_deep", "too_deep", True, _too_deep),
)
JSON_BREAKS = tuple(kind for kind in BREAKS if kind.is_json)
