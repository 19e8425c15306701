"""Takes a message out of the envelope in which a customer has stored it.

Envelopes are JSON objects such as {"received_at": ..., "headers": ..., "body": ...}; the body may
be an object, a JSON string, or base64 where `isBase64Encoded` is true.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

RECEIVED_AT_KEYS = (
    "received_at",
    "receivedAt",
    "received",
    "ReceivedAt",
    "created_at",
    "createdAt",
    "timestamp",
    "Timestamp",
    "time",
    "requestTimeEpoch",
)
BASE64_KEY = "isBase64Encoded"
_MILLISECONDS_FROM = 100_000_000_000

_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_any = msgspec.json.Decoder(Any).decode


class BadEnvelope(ValueError):
    """The item is no envelope, or holds nothing under the key."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The message's bytes exactly as stored, and when it was received, UTC, where the envelope tells."""

    body: bytes
    received_at: datetime | None


def unwrap(item: bytes, key: str) -> Envelope:
    """The message under `key` (dots go deeper); raises BadEnvelope."""
    try:
        envelope = _decode_object(item.removeprefix(b"\xef\xbb\xbf"))
        holder, received_at = envelope, _received_at(envelope)
        *outer, last = key.split(".")
        for name in outer:
            holder = _decode_object(holder[name])
            received_at = received_at or _received_at(holder)
        body = bytes(holder[last])
        if body.startswith(b'"'):
            body = _text_body(_decode_any(body), holder)
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, RecursionError):
        raise BadEnvelope from None
    if body == b"null":
        raise BadEnvelope
    return Envelope(body, received_at)


def _text_body(text: str, holder: dict[str, msgspec.Raw]) -> bytes:
    if bytes(holder.get(BASE64_KEY, b"")) != b"true":
        return text.encode()
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise BadEnvelope from None


def _received_at(envelope: dict[str, msgspec.Raw]) -> datetime | None:
    for key in RECEIVED_AT_KEYS:
        if key in envelope:
            instant = _instant(_decode_any(envelope[key]))
            if instant is not None:
                return instant
    return None


def _instant(value: Any) -> datetime | None:
    """ISO 8601 text (no zone means UTC) or seconds or milliseconds since 1970."""
    try:
        if isinstance(value, str):
            read = datetime.fromisoformat(value.strip())
            return read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if abs(value) >= _MILLISECONDS_FROM else value
            return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
