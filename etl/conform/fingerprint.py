"""The fingerprint of a message's content: equal for equal JSON values, else different.

White space, key order and number spelling do not matter. Delivery is at-least-once: a redelivery
keeps its log id and changes the catalog's delivery-volatile Meta paths, so these are left out when
there is a log id. Without one only what stands inside Meta.Logs[] (AttemptID) is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Raw

from etl.conform.exact_json import JsonObject, NumberText, canonical_number, to_json
from models.compile.gate import attribute_name

FINGERPRINT_BYTES = 16
LOGS = "Meta.Logs[]"

_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


def digest(canonical: bytes) -> bytes:
    """The first 128 bits of SHA-256."""
    return hashlib.sha256(canonical).digest()[:FINGERPRINT_BYTES]


class VolatilePaths:
    """The catalog's delivery-volatile paths, ready to be blanked in a decoded message."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._in_logs = [_Blank(path) for path in paths if path.startswith(f"{LOGS}.")]
        self._elsewhere = [_Blank(path) for path in paths if not path.startswith(f"{LOGS}.")]

    def blank_struct(self, message: Any) -> int:
        """Unset the volatile attributes; gives how many double quotes went with them."""
        quotes = sum(blank.struct(message) for blank in self._in_logs)
        if has_log_id(message):
            quotes += sum(blank.struct(message) for blank in self._elsewhere)
        return quotes

    def blank_object(self, message: Any) -> None:
        """Remove the volatile keys of a message read exactly."""
        for blank in self._in_logs:
            blank.object(message)
        if log_id_of(message):
            for blank in self._elsewhere:
                blank.object(message)


class _Blank:
    """Takes one path out of a message."""

    def __init__(self, path: str) -> None:
        self._keys = [key.removesuffix("[]") for key in path.split(".")]
        self._names = [attribute_name(key) for key in self._keys]

    def struct(self, at: Any, level: int = 0) -> int:
        if at is None or at is UNSET:
            return 0
        if isinstance(at, list):
            return sum(self.struct(item, level) for item in at)
        name = self._names[level]
        value = getattr(at, name, UNSET)
        if level < len(self._names) - 1:
            return self.struct(value, level + 1)
        if value is UNSET:
            return 0
        setattr(at, name, UNSET)
        return 4 + value.count('"') if isinstance(value, str) else 2

    def object(self, at: Any, level: int = 0) -> None:
        if isinstance(at, list):
            for item in at:
                self.object(item, level)
        elif isinstance(at, dict):
            if level == len(self._keys) - 1:
                at.pop(self._keys[level], None)
            else:
                self.object(at.get(self._keys[level]), level + 1)


def has_log_id(message: Any) -> bool:
    """Whether a decoded message carries a non-empty Meta.Logs[].ID."""
    logs = getattr(message.Meta, "Logs", None) or ()
    return any(log is not None and bool(getattr(log, "ID", "")) for log in logs)


def log_id_of(message: Any) -> str:
    """The first non-empty Meta.Logs[].ID of a message read exactly, "" without one."""
    meta = message.get("Meta")
    logs = meta.get("Logs") if isinstance(meta, dict) else None
    entries = logs if isinstance(logs, list) else [logs]
    ids = (entry.get("ID") for entry in entries if isinstance(entry, dict))
    return next((str(found) for found in ids if isinstance(found, str) and found), "")


def canonical_struct(message: Any) -> bytes:
    """The canonical text of a message that passed its gate."""
    return _encode(message)


def canonical_object(message: JsonObject) -> bytes:
    """The canonical text of a message read exactly; repeated keys make it another content."""
    repeated: list[tuple[str, Any]] = []
    plain = _plain(message, repeated)
    earlier = "".join(f"\n{key}={to_json(value)}" for key, value in repeated)
    return bytes(_encode_sorted(plain)) + earlier.encode("utf-8", "surrogatepass")


def _plain(value: Any, repeated: list[tuple[str, Any]]) -> Any:
    if isinstance(value, NumberText):
        return Raw(canonical_number(value).encode())
    if isinstance(value, JsonObject):
        repeated.extend(value.repeated)
        return {_text(key): _plain(inner, repeated) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(item, repeated) for item in value]
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    """Lone surrogates cannot be encoded; a private mark keeps them apart from other text."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode(
        "utf-8", "backslashreplace"
    )


Fingerprint = Callable[[bytes], bytes]
