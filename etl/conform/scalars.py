"""Fits one received scalar into the type of its column, exactly or not at all."""

from __future__ import annotations

import json
import re
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from etl.conform.exact_json import NumberText, canonical_number, exact_decimal, to_json
from models.tables.plan import Storage

MISFIT = "type_misfit"
CONVERTED = "type_converted"
SPELLING = "number_spelling"
INEXACT = "number_inexact"
SURROGATE = "invalid_unicode"
UNSTORABLE = frozenset((MISFIT,))

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
# JSON's \\ud83d without its other half: no text in UTF-8 can hold it.
_HALF_PAIR = re.compile(r"[\ud800-\udfff]")
_INT64 = range(-(2**63), 2**63)
_MONEY_SCALE = Decimal("0.0001")
_MONEY_LIMIT = Decimal(10) ** 14
_MAX_DIGITS = 400


class Misfit(ValueError):
    """The value has no place in its column; `reason` says why."""

    def __init__(self, reason: str = MISFIT) -> None:
        super().__init__(reason)
        self.reason = reason


def fit_scalar(value: Any, storage: Storage) -> tuple[Any, str]:
    """The value as its column takes it, and the rule by which it was changed, "" if it was not.

    Raises Misfit for what cannot be held exactly; a number is rounded only where its type demands.
    """
    if isinstance(value, dict | list) and storage is not Storage.JSON:
        raise Misfit
    return _FITS.get(storage, _fit_text)(value)


def _fit_text(value: Any) -> tuple[str, str]:
    if isinstance(value, NumberText):
        return str(value), CONVERTED
    if isinstance(value, bool):
        return json.dumps(value), CONVERTED
    if value.isascii() or not _HALF_PAIR.search(value):
        return value, ""
    return _HALF_PAIR.sub("\ufffd", value), SURROGATE


def _fit_json(value: Any) -> tuple[str, str]:
    return to_json(value), ""


def _fit_boolean(value: Any) -> tuple[bool, str]:
    if isinstance(value, bool):
        return value, ""
    if value in ("true", "false") and not isinstance(value, NumberText):
        return value == "true", CONVERTED
    raise Misfit


def _number(value: Any) -> tuple[str, Decimal, str]:
    """The number's text, its value and the rule so far."""
    if isinstance(value, bool) or not isinstance(value, str) or len(value) > _MAX_DIGITS:
        raise Misfit
    is_number = isinstance(value, NumberText)
    exact = exact_decimal(value) if is_number or _JSON_NUMBER.fullmatch(value) else None
    if exact is None:
        raise Misfit
    return str(value), exact, "" if is_number else CONVERTED


def _fit_integer(value: Any) -> tuple[int, str]:
    text, number, rule = _number(value)
    if number.adjusted() > 20 or number != number.to_integral_value():
        raise Misfit
    integer = int(number)
    if integer not in _INT64:
        raise Misfit
    return integer, rule or _spelling(text, str(integer))


def _fit_double(value: Any) -> tuple[NumberText, str]:
    text, exact, rule = _number(value)
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise Misfit
    stored = canonical_number(repr(number))
    if Decimal(stored) != exact:
        rule = rule or INEXACT
    return NumberText(stored), rule or _spelling(text, stored)


def _fit_money(value: Any) -> tuple[NumberText, str]:
    text, number, rule = _number(value)
    if number.copy_abs() >= _MONEY_LIMIT:  # abs() is arithmetic: it rounds and overflows
        raise Misfit
    rounded = number.quantize(_MONEY_SCALE, ROUND_HALF_EVEN)
    stored = canonical_number(str(rounded))
    if rounded != number:
        rule = rule or INEXACT
    return NumberText(stored), rule or _spelling(text, stored)


def _spelling(received: str, stored: str) -> str:
    return "" if received == stored else SPELLING


_FITS = {
    Storage.JSON: _fit_json,
    Storage.BOOLEAN: _fit_boolean,
    Storage.INTEGER: _fit_integer,
    Storage.DOUBLE: _fit_double,
    Storage.MONEY: _fit_money,
}
