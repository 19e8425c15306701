"""Writes a JSON value in one of the many ways that mean the same."""

from __future__ import annotations

import json
import re
from random import Random

from tests.reference.json_text import Number, Object, Value, canonical_number

SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
BLANKS = ("", "", "", " ", "\n", "\t", "\r\n", "  ")
MOST_POWER = 5000
_SURROGATE = re.compile("[\ud800-\udfff]")


def compact(value: Value) -> bytes:
    """The plainest spelling: no white space, escapes only where needed, order and numbers as given."""
    return _Writer(None).text(value).encode("utf-8")


def respelled(value: Value, random: Random) -> bytes:
    """Another spelling of the same content; the order of a repeated key's values stays."""
    text = _Writer(random).text(value)
    bom = b"\xef\xbb\xbf" if random.random() < 0.05 else b""
    return bom + f"{random.choice(BLANKS)}{text}{random.choice(BLANKS)}".encode()


class _Writer:
    def __init__(self, random: Random | None) -> None:
        self._random = random

    def text(self, value: Value) -> str:
        if isinstance(value, Object):
            members = (f"{self._string(key)}{self._blank()}:{self._blank()}{self.text(member)}"
                       for key, member in self._ordered(value))  # fmt: skip
            return self._enclosed("{", members, "}")
        if isinstance(value, list):
            return self._enclosed("[", map(self.text, value), "]")
        if isinstance(value, Number):
            return value.text if self._random is None else number(value.text, self._random)
        if isinstance(value, str):
            return self._string(value)
        return {None: "null", True: "true", False: "false"}[value]

    def _enclosed(self, opening: str, parts: object, closing: str) -> str:
        inner = f",{self._blank()}".join(f"{part}{self._blank()}" for part in parts)  # type: ignore[attr-defined]
        return f"{opening}{self._blank()}{inner}{closing}"

    def _blank(self) -> str:
        return "" if self._random is None else self._random.choice(BLANKS)

    def _ordered(self, value: Object) -> list[tuple[str, Value]]:
        pairs = list(value.pairs)
        if self._random is None or len(pairs) < 2:
            return pairs
        self._random.shuffle(order := [key for key, _ in pairs])
        waiting: dict[str, list[Value]] = {}
        for key, member in reversed(pairs):
            waiting.setdefault(key, []).append(member)
        return [(key, waiting[key].pop()) for key in order]

    def _string(self, text: str) -> str:
        random = self._random
        if random is None or random.random() < 0.6:
            is_ascii = random is not None and random.random() < 0.3
            return json.dumps(text, ensure_ascii=is_ascii or bool(_SURROGATE.search(text)))
        return '"' + "".join(map(self._character, text)) + '"'

    def _character(self, character: str) -> str:
        random = self._random
        assert random is not None
        must = character in SHORT or character < " " or "\ud800" <= character <= "\udfff"
        if not must and random.random() > 0.1:
            return "\\/" if character == "/" else character
        if character in SHORT and random.random() < 0.5:
            return SHORT[character]
        return "".join(self._escape(unit) for unit in _units(character))

    def _escape(self, unit: int) -> str:
        upper = self._random is not None and self._random.random() < 0.5
        return f"\\u{unit:04X}" if upper else f"\\u{unit:04x}"


def _units(character: str) -> list[int]:
    raw = character.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]


def number(text: str, random: Random) -> str:
    """Another spelling of the same number."""
    if random.random() < 0.5:
        return text
    canonical = canonical_number(text)
    if canonical == "0":
        return random.choice(("0", "-0", "0.0", "0e0", "-0.00E+7", "0e-3"))
    sign = "-" if canonical.startswith("-") else ""
    digits, _, power = canonical.removeprefix("-").partition("e")
    zeros = random.randrange(4)
    digits, exponent = digits + "0" * zeros, int(power) - zeros
    if abs(exponent) > MOST_POWER:
        return text
    point = random.randrange(1, len(digits) + 1)
    exponent += len(digits) - point
    whole, fraction = digits[:point], digits[point:]
    mark = random.choice("eE")
    plus = random.choice(("", "+")) if exponent >= 0 else ""
    tail = "" if exponent == 0 and random.random() < 0.7 else f"{mark}{plus}{exponent}"
    return f"{sign}{whole}{'.' + fraction if fraction else ''}{tail}"
