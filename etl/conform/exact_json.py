"""Reads JSON without losing anything: number spelling, repeated keys, lone surrogates.

Numbers come as `NumberText`, so that 1.50 stays 1.50. Of a repeated key the last value wins; the
earlier ones are kept in `RepeatedKeys`. This is the slow, exact way; most messages never take it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from etl.encodings import BAD_UTF8, likely_encoding
from etl.other_formats import HEAD_BYTES, is_other_format
from etl.records import About

OTHER_FORMAT = "other_format"
BOM = b"\xef\xbb\xbf"
_FIXED_EXPONENTS = range(-40, 41)


class NumberText(str):
    """A JSON number, as it was spelled."""

    __slots__ = ()


class JsonObject(dict[str, Any]):
    """A JSON object; `repeated` holds the earlier values of keys that occur more than once."""

    __slots__ = ("repeated",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.repeated: list[tuple[str, Any]] = []
        if len(self) != len(pairs):
            self.repeated = list(_earlier_values(pairs))


class Unreadable(ValueError):
    """The bytes are not a loadable message; `reason` is a quarantine reason, `about` what they say."""

    def __init__(self, reason: str, about: About | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.about = about


def _earlier_values(pairs: list[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    last = {key: index for index, (key, _) in enumerate(pairs)}
    for index, (key, value) in enumerate(pairs):
        if last[key] != index:
            yield key, value


def _refuse_constant(_: str) -> Any:
    raise Unreadable("non_finite_number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=JsonObject,
    parse_float=NumberText,
    parse_int=NumberText,
    parse_constant=_refuse_constant,
)


def parse_exact(raw: bytes, *, max_depth: int) -> Any:
    """The JSON value of `raw`; raises Unreadable with the quarantine reason."""
    try:
        text = raw.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable(_other_format(raw) or likely_encoding(raw) or BAD_UTF8) from None
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise Unreadable("too_deep") from None
    except json.JSONDecodeError as error:
        is_cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string")
        reason = "truncated" if is_cut else "not_json"
        raise Unreadable(_other_format(raw) or likely_encoding(raw) or reason) from None
    if _is_deeper(value, max_depth):
        raise Unreadable("too_deep")
    return value


def _other_format(raw: bytes) -> str:
    return OTHER_FORMAT if is_other_format(raw[:HEAD_BYTES]) else ""


def _is_deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    if levels == 0:
        return True
    inner = value.values() if isinstance(value, dict) else value
    return any(_is_deeper(item, levels - 1) for item in inner)


def to_json(value: Any) -> str:
    """The JSON text of a value read by `parse_exact`, numbers as they were spelled.

    ASCII only, so that lone surrogates survive in a UTF-8 column.
    """
    if isinstance(value, NumberText):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{to_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(to_json, value)) + "]"
    return json.dumps(value)


def is_populated(value: Any) -> bool:
    """False for null, "", {}, [] and whatever holds only such."""
    if isinstance(value, dict):
        return any(map(is_populated, value.values()))
    if isinstance(value, list):
        return any(map(is_populated, value))
    return value is not None and value != ""


def holds_values(value: Any) -> bool:
    """True where a value, or an earlier value of a repeated key in it, is populated."""
    if isinstance(value, JsonObject):
        earlier = (inner for _, inner in value.repeated)
        return any(map(holds_values, value.values())) or any(map(holds_values, earlier))
    if isinstance(value, list):
        return any(map(holds_values, value))
    return value is not None and value != ""


def exact_decimal(text: str) -> Decimal | None:
    """The value of a JSON number's text, None where its exponent is beyond all arithmetic."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def canonical_number(text: str) -> str:
    """One spelling for equal numbers: no exponent where short, no trailing zeros, no -0.

    Works on digits, never by arithmetic, which would round to the precision of its context.
    """
    number = exact_decimal(text)
    if number is None:
        return text
    if not number:
        return "0"
    if number.adjusted() not in _FIXED_EXPONENTS:
        sign, digits, exponent = number.as_tuple()
        significant = "".join(map(str, digits)).rstrip("0")
        return f"{'-' * sign}{significant}e{int(exponent) + len(digits) - len(significant)}"
    fixed = f"{number:f}"
    return fixed.rstrip("0").rstrip(".") if "." in fixed else fixed
