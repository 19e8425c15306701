"""Mixes of good and damaged messages in every layout, for the tests of framing."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

TEXTS = [
    "",
    "a",
    'say "hi"',
    "{curly} [square]",
    "},{",
    "back\\slash",
    "é😀",
    "two\nlines",
    ":,",
    "'",
]


def make_message(rng: random.Random, number: int) -> dict[str, object]:
    """A message of a few members, Meta most often the first."""
    meta = {"DataModel": "Results", "EventType": "New", "Logs": [{"ID": str(number)}]}
    orders = [{"ID": rng.choice(TEXTS), "N": rng.random()} for _ in range(rng.randint(0, 3))]
    rest = {"Patient": {"Notes": [rng.choice(TEXTS)], "Empty": {}}, "Orders": orders}
    return {"Meta": meta, **rest} if rng.random() < 0.8 else {**rest, "Meta": meta}


def _replace(old: bytes, new: bytes) -> Callable[[random.Random, bytes], bytes]:
    def change(rng: random.Random, text: bytes) -> bytes:
        places = [at for at in range(len(text)) if text.startswith(old, at)]
        if not places:
            return text + b"}"
        at = rng.choice(places)
        return text[:at] + new + text[at + len(old) :]

    return change


def _insert(what: bytes) -> Callable[[random.Random, bytes], bytes]:
    def change(rng: random.Random, text: bytes) -> bytes:
        at = rng.randint(1, len(text) - 1)
        return text[:at] + what + text[at:]

    return change


def _cut(rng: random.Random, text: bytes) -> bytes:
    return text[: rng.randint(1, len(text) - 1)]


def _cut_start(rng: random.Random, text: bytes) -> bytes:
    return text[rng.randint(1, len(text) - 1) :]


DAMAGES: dict[str, Callable[[random.Random, bytes], bytes]] = {
    "a Python literal": _replace(b'"Results"', b"None"),
    "single quotes": lambda rng, text: repr(json.loads(text)).encode(),
    "an unquoted key": _replace(b'"DataModel"', b"DataModel"),
    "a quote missing": _replace(b'"', b""),
    "a quote too many": _insert(b'"'),
    "a bad escape": _replace(b'"New"', b'"N\\ew"'),
    "a raw tab": _replace(b'"New"', b'"N\tew"'),
    "a raw line break": _replace(b'"New"', b'"N\new"'),
    "a trailing comma": _replace(b"}", b",}"),
    "a comma missing": _replace(b",", b" "),
    "a colon missing": _replace(b":", b" "),
    "a closing brace missing": _replace(b"}", b""),
    "a closing bracket missing": _replace(b"]", b""),
    "an opening brace missing": _replace(b"{", b""),
    "a closing brace too many": _insert(b"}"),
    "a closing bracket too many": _insert(b"]"),
    "an opening brace too many": _insert(b"{"),
    "an opening bracket too many": _insert(b"["),
    "its end cut": _cut,
    "its start cut": _cut_start,
    "words": lambda rng, text: b"Export started",
    "NUL bytes": _insert(b"\0\0\0"),
}


def compact(message: object) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode()


def spaced(message: object) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode()


def pretty(message: object) -> bytes:
    return json.dumps(message, indent=2).encode()


WRITERS = [compact, spaced, pretty]
JOINS = [
    b"\n",
    b"\r\n",
    b",\n",
    b"\n,",
    b",",
    b", ",
    b"",
    b" ",
    b"\n\n",
    b"\x1e",
    b"\0\0",
    b"\n\xef\xbb\xbf",
]
WRAPS = [
    (b"", b""),
    (b"", b"\n"),
    (b"[", b"]"),
    (b"[\n", b"\n]\n"),
    (b"\xef\xbb\xbf", b""),
    (b"[", b""),
]


def make_part(rng: random.Random, damage_share: float) -> tuple[bytes, list[bytes]]:
    """Messages in one layout; gives the bytes and the messages that were left good."""
    write, join = rng.choice(WRITERS), rng.choice(JOINS)
    before, after = rng.choice(WRAPS)
    written, good = [], []
    for number in range(rng.choice([1, 2, 3, 8, 30])):
        text = write(make_message(rng, number))
        if rng.random() < damage_share:
            text = DAMAGES[rng.choice(list(DAMAGES))](rng, text)
        else:
            good.append(text)
        written.append(text)
    return before + join.join(written) + after, good


def make_mix(rng: random.Random) -> tuple[bytes, list[bytes]]:
    """Parts of several layouts put together; gives the bytes and the good messages."""
    share = rng.choice([0.0, 0.1, 0.3, 0.7])
    parts = [make_part(rng, share) for _ in range(rng.choice([1, 1, 2, 4]))]
    between = rng.choice([b"\n", b"\n", b""])
    return between.join(text for text, _ in parts), [one for _, good in parts for one in good]
