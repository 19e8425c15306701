"""Takes a message out of the envelope in which a customer has stored it.

Envelopes are JSON objects such as {"received_at": ..., "headers": ..., "body": ...}; the body may
be an object, a JSON string, or base64 where `isBase64Encoded` is true.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

RECEIVED_AT_NAMES = (
    "receivedat",
    "received",
    "timestamp",
    "createdat",
    "time",
    "requestcontext.timeepoch",
    "requestcontext.requesttimeepoch",
)
"""Names under which envelopes tell when they were received, the likeliest first; compared without
case, `_` and `-`."""
BASE64_NAME = "isbase64encoded"

_UNITS_PER_SECOND = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3), (0.0, 1.0))
"""From this size on a number counts nano-, micro-, milliseconds, else seconds since 1970."""
_PLAUSIBLE_YEARS = range(2000, 2100)
_EPOCH_TEXT = re.compile(r"\d{10}(\d{3}|\d{6}|\d{9})?(\.\d+)?", re.ASCII)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_Object = dict[str, msgspec.Raw]
_decode_object = msgspec.json.Decoder(_Object).decode
_decode_any = msgspec.json.Decoder(Any).decode
_decode_text = msgspec.json.Decoder(str).decode


class BadEnvelope(ValueError):
    """The item is no envelope, or holds nothing under the key."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The message's bytes exactly as stored, and when it was received (UTC), if the envelope tells."""

    body: bytes
    received_at: datetime | None


def unwrap(item: bytes, key: str) -> Envelope:
    """The message under `key` (dots go deeper); raises BadEnvelope."""
    try:
        envelope = _decode_object(item.removeprefix(_BYTE_ORDER_MARK))
        holders, raw = _find(envelope, key)
        body = _read_body(raw, holders)
        return Envelope(body, _read_received_at(holders))
    except (msgspec.MsgspecError, ValueError, KeyError, RecursionError):
        raise BadEnvelope from None


def _find(envelope: _Object, key: str) -> tuple[list[_Object], bytes]:
    """What stands under the key, and the objects around it, the outermost first."""
    holders = [envelope]
    while key not in holders[-1]:
        name, dot, key = key.partition(".")
        if not dot:
            raise KeyError
        holders.append(_decode_object(holders[-1][name]))
    return holders, bytes(holders[-1][key])


def _read_body(raw: bytes, holders: list[_Object]) -> bytes:
    if raw == b"null":
        raise BadEnvelope
    if not raw.startswith(b'"'):
        return raw
    text = _decode_text(raw)
    is_base64 = any(_look_up(holder, BASE64_NAME) == b"true" for holder in holders)
    return base64.b64decode("".join(text.split()), validate=True) if is_base64 else text.encode()


def _read_received_at(holders: list[_Object]) -> datetime | None:
    for holder in holders:
        for name in RECEIVED_AT_NAMES:
            instant = _read_instant(_look_up(holder, name))
            if instant is not None:
                return instant
    return None


def _look_up(holder: Mapping[str, msgspec.Raw], name: str) -> bytes:
    """The bytes under a plain name, b"" when there are none."""
    first, _, rest = name.partition(".")
    for key, raw in holder.items():
        if key.replace("_", "").replace("-", "").lower() == first:
            value = bytes(raw)
            if not rest:
                return value
            return _look_up(_decode_object(value), rest) if value.startswith(b"{") else b""
    return b""


def _read_instant(raw: bytes) -> datetime | None:
    """ISO 8601 text (no zone means UTC), or a number of seconds or their parts since 1970."""
    try:
        value = _decode_any(raw) if raw else None
        if isinstance(value, str) and _EPOCH_TEXT.fullmatch(value.strip()):
            value = float(value)
        if isinstance(value, str):
            read = datetime.fromisoformat(value.strip())
            instant = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            units = next(units for least, units in _UNITS_PER_SECOND if abs(value) >= least)
            instant = datetime.fromtimestamp(value / units, UTC)
        else:
            return None
    except (msgspec.MsgspecError, ValueError, OverflowError, OSError, RecursionError):
        return None
    return instant if instant.year in _PLAUSIBLE_YEARS else None
