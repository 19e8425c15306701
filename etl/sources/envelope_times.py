"""Times of envelopes: under which names they are, and how they are written."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec

RECEIVED_AT_NAMES: Final = (
    "receivedat",
    "received",
    "receivedtime",
    "ingestedat",
    "insertedat",
    "timestamp",
    "createdat",
    "publishtime",
    "enqueuedtime",
    "enqueuedtimeutc",
    "eventtime",
    "time",
    "attributes.senttimestamp",
    "approximatearrivaltimestamp",
    "requestcontext.timeepoch",
    "requestcontext.requesttimeepoch",
)
"""Names under which envelopes say when they were received, the likeliest first; compared without
case, `_` and `-`."""

_UNITS_PER_SECOND = ((10**17, 10**9), (10**14, 10**6), (10**11, 10**3), (0, 1))
"""From this size on a number counts nano-, micro-, milliseconds, else seconds since 1970."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAUSIBLE_YEARS = range(2000, 2100)
_EPOCH_TEXT = re.compile(r"\d{10}(\d{3}|\d{6}|\d{9})?(\.\d+)?", re.ASCII)
_WRAPPED: Final = ("$date", "$numberLong")
"""MongoDB's extended JSON: {"$date": "2026-..."}, {"$date": {"$numberLong": "17..."}}."""

_decode_any = msgspec.json.Decoder(Any).decode


def read_instant(raw: bytes) -> datetime | None:
    """ISO 8601 text (no zone means UTC), or a number of seconds or their parts since 1970."""
    try:
        value = _decode_any(raw) if raw else None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return instant_of(value)


def instant_of(value: Any) -> datetime | None:
    """The same of a JSON value that is read."""
    for name in _WRAPPED:
        if isinstance(value, dict) and value.keys() == {name}:
            value = value[name]
    if isinstance(value, date):  # a datetime too
        value = value.isoformat()
    try:
        if isinstance(value, str) and _EPOCH_TEXT.fullmatch(value.strip()):
            value = Decimal(value.strip())
        if isinstance(value, str):
            read = datetime.fromisoformat(value.strip().removesuffix(" UTC"))
            instant = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
        elif isinstance(value, int | float | Decimal) and not isinstance(value, bool):
            instant = _since_1970(Decimal(repr(value) if isinstance(value, float) else value))
        else:
            return None
    except (ValueError, OverflowError, OSError, ArithmeticError):
        return None
    return instant if instant.year in _PLAUSIBLE_YEARS else None


def _since_1970(value: Decimal) -> datetime:
    """The instant of a number of seconds or their parts; what is below a microsecond is left out."""
    units = next(units for least, units in _UNITS_PER_SECOND if abs(value) >= least)
    return _EPOCH + timedelta(microseconds=int(value * 10**6 / units))
