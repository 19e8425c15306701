"""Files as they come and worse: mixes of good and damaged messages, packed, recoded, cut, overwritten.

A file of a seed is always the same. No file is larger than a few hundred kilobytes.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable
from dataclasses import dataclass

import pyzstd

from etl.framing.segments import encode_record
from tests.framing.mixes import make_message, make_mix, pretty

SIGNS = [
    b"{",
    b"}",
    b"[",
    b"]",
    b'"',
    b":",
    b",",
    b"\\",
    b"\n",
    b"\0",
    b"\xff",
    b"\x1f\x8b",
    b"NaN",
]
ENCODINGS = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "cp1252", "utf-7"]
FIRST_US = 1_767_225_600_000_000


@dataclass(frozen=True, slots=True)
class OddFile:
    """The bytes of a file, what was done to it, and the text before it was packed or recoded."""

    kind: str
    content: bytes
    text: bytes


def _plain(_: random.Random, text: bytes) -> bytes:
    return text


def _overwritten(rng: random.Random, text: bytes) -> bytes:
    content = bytearray(text)
    for _ in range(rng.choice([1, 2, 5, 40])):
        at = rng.randint(0, len(content))
        content[at : at + rng.choice([0, 1, 1, 8, 200])] = rng.choice([*SIGNS, rng.randbytes(4)])
    return bytes(content)


def _recoded(rng: random.Random, text: bytes) -> bytes:
    return text.decode("utf-8", "replace").encode(rng.choice(ENCODINGS), "replace")


def _gzip(rng: random.Random, text: bytes) -> bytes:
    at = rng.randint(0, len(text))
    members = [text[:at], text[at:]] if rng.random() < 0.3 else [text]
    return b"".join(gzip.compress(one, 1, mtime=0) for one in members)


def _zstd(_: random.Random, text: bytes) -> bytes:
    return pyzstd.compress(text, 1)


def _packed(rng: random.Random, text: bytes) -> bytes:
    return rng.choice([_gzip, _zstd])(rng, text)


def _packed_and_cut(rng: random.Random, text: bytes) -> bytes:
    packed = _packed(rng, text)
    return packed[: rng.randint(1, len(packed))]


def _packed_and_overwritten(rng: random.Random, text: bytes) -> bytes:
    return _overwritten(rng, _packed(rng, text))


def _packed_with_an_end(rng: random.Random, text: bytes) -> bytes:
    return _packed(rng, text) + rng.choice([b"\0" * 16, rng.randbytes(16), text])


def _segment(rng: random.Random, text: bytes) -> bytes:
    bodies = [text, *(pretty(make_message(rng, number)) for number in range(rng.randint(0, 4)))]
    records = (encode_record(FIRST_US + at, body) for at, body in enumerate(bodies))
    return b"RWSEG1\n" + b"".join(records)


def _damaged_segment(rng: random.Random, text: bytes) -> bytes:
    segment = _segment(rng, text)
    return (
        segment[: rng.randint(1, len(segment))]
        if rng.random() < 0.5
        else _overwritten(rng, segment)
    )


def _noise(rng: random.Random, text: bytes) -> bytes:
    drawn = b"".join(rng.choice(SIGNS) for _ in range(rng.choice([1, 10, 1_000, 20_000])))
    return rng.choice([rng.randbytes(len(text)), drawn, text[:1] * 50_000])


KINDS: dict[str, tuple[int, Callable[[random.Random, bytes], bytes]]] = {
    "text": (30, _plain),
    "overwritten text": (30, _overwritten),
    "another encoding": (8, _recoded),
    "packed": (6, _packed),
    "packed and cut": (6, _packed_and_cut),
    "packed and overwritten": (4, _packed_and_overwritten),
    "packed with an end": (4, _packed_with_an_end),
    "segment": (3, _segment),
    "damaged segment": (6, _damaged_segment),
    "noise": (3, _noise),
}


def make_file(seed: str) -> OddFile:
    """Return the file of a seed."""
    rng = random.Random(seed)
    text, _ = make_mix(rng)
    kind = rng.choices(list(KINDS), [weight for weight, _ in KINDS.values()])[0]
    return OddFile(kind, KINDS[kind][1](rng, text), text)
