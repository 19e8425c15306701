"""Takes messages out of the envelopes in which a customer has stored them.

Envelopes are JSON objects such as {"received_at": ..., "headers": ..., "body": ...}, one in the other
and in arrays, as queues and topics write them. What is under the key, and all on the way to it, may
be JSON, JSON text, or base64 of either.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from etl.sources.envelope_times import RECEIVED_AT_NAMES, read_instant

BASE64_NAME: Final = "isbase64encoded"
_TO_PLAIN: Final = str.maketrans("-_", "+/")
EACH: Final = "[]"
"""Behind a name of a key: every element of the array."""
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_SHORTEST_BASE64: Final = 24

_Object = dict[str, msgspec.Raw]
_Found = tuple[tuple[_Object, ...], bytes]
_decode_object = msgspec.json.Decoder(_Object).decode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode
_FAULTS = (msgspec.MsgspecError, ValueError, KeyError, RecursionError)


class BadEnvelope(ValueError):
    """The item is no envelope, or holds nothing under the key."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """The message's bytes exactly as stored, and when it was received (UTC), if the envelope says."""

    body: bytes
    received_at: datetime | None


def unwrap(item: bytes, key: str) -> Envelope:
    """The first message under a key; raises BadEnvelope."""
    return next(one for one in unwrap_all(item, key) if one is not None)


def unwrap_all(item: bytes, key: str) -> list[Envelope | None]:
    """The messages under `key`: dots go deeper, `[]` takes every element of an array.

    None stands for an element that holds nothing there. Raises BadEnvelope where all do.
    """
    try:
        found = list(_walk(item.removeprefix(_BYTE_ORDER_MARK), key, ()))
    except _FAULTS:
        raise BadEnvelope from None
    opened = [None if one is None else _open(*one) for one in found]
    if not any(opened):
        raise BadEnvelope from None
    return opened


def _walk(raw: bytes, key: str, holders: tuple[_Object, ...]) -> Iterator[_Found | None]:
    """What is under the key, with the objects around it, the outermost first."""
    envelope = _decode_object(_as_json(raw))
    holders = (*holders, envelope)
    if key in envelope:
        yield holders, bytes(envelope[key])
        return
    name, dot, rest = key.partition(".")
    if name.endswith(EACH):
        for element in _decode_array(_as_json(bytes(envelope[name.removesuffix(EACH)]))):
            yield from _walk_element(bytes(element), rest, holders)
    elif dot:
        yield from _walk(bytes(envelope[name]), rest, holders)
    else:
        raise KeyError


def _walk_element(raw: bytes, rest: str, holders: tuple[_Object, ...]) -> Iterator[_Found | None]:
    """The same in one element of an array, which costs no other."""
    if not rest:
        yield holders, raw
        return
    try:
        yield from _walk(raw, rest, holders)
    except _FAULTS:
        yield None


def _as_json(raw: bytes) -> bytes:
    """What is JSON, or holds it as text or base64, as JSON."""
    if not raw.startswith(b'"'):
        return raw
    text = _decode_text(raw)
    return _json_in_base64(text) or text.encode()


def _open(holders: tuple[_Object, ...], raw: bytes) -> Envelope | None:
    try:
        body = _read_body(raw, holders)
        return None if body is None else Envelope(body, _read_received_at(holders))
    except _FAULTS:
        return None


def _read_body(raw: bytes, holders: tuple[_Object, ...]) -> bytes | None:
    if raw == b"null":
        return None
    if not raw.startswith(b'"'):
        return raw
    text = _decode_text(raw)
    if any(_look_up(holder, BASE64_NAME) == b"true" for holder in holders):
        return _decode_base64(text)
    return _json_in_base64(text) or text.encode()


def json_in_text(text: str) -> bytes:
    """The JSON object or array that text holds, in base64 too; b"" where it holds none."""
    if text.lstrip()[:1] in ("{", "[", '"'):
        return text.encode("utf-8", "surrogatepass")
    return _json_in_base64(text) if text else b""


def json_in_base64(body: bytes) -> bytes:
    """What base64 text holds, b"" where it is not base64 of JSON."""
    return _json_in_base64(body.decode("ascii")) if body and body.isascii() else b""


def _json_in_base64(text: str) -> bytes:
    """What base64 text holds, b"" where it is not base64 of JSON."""
    if len(text) < _SHORTEST_BASE64 or text[0] in "{[ \t\r\n":
        return b""
    try:
        held = _decode_base64(text)
    except (binascii.Error, ValueError):
        return b""
    start = held.removeprefix(_BYTE_ORDER_MARK).lstrip()[:1]
    return held if start in (b"{", b"[") else b""


def _decode_base64(text: str) -> bytes:
    """The bytes in base64 of either alphabet, in lines or not, with or without its padding."""
    digits = "".join(text.split()).translate(_TO_PLAIN).rstrip("=")
    return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)


def _read_received_at(holders: tuple[_Object, ...]) -> datetime | None:
    """The outermost time: that of the receiver, not that of the event."""
    for holder in holders:
        for name in RECEIVED_AT_NAMES:
            instant = read_instant(_look_up(holder, name))
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
