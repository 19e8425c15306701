"""The fingerprint of a message's content: equal for equal JSON values, else different.

White space, key order and number spelling do not matter. Delivery is at-least-once: a redelivery
keeps its log id and changes the catalog's delivery-volatile Meta paths, so these are left out when
there is a log id. Without one only what stands inside Meta.Logs[] (AttemptID) is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
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
        in_logs = [path for path in paths if path.startswith(f"{LOGS}.")]
        elsewhere = [path for path in paths if path not in in_logs]
        self._struct_in_logs = [_Blank.of(path) for path in in_logs]
        self._struct_elsewhere = [_Blank.of(path) for path in elsewhere]
        self._object_in_logs = [_keys(path) for path in in_logs]
        self._object_elsewhere = [_keys(path) for path in elsewhere]

    def blank_struct(self, message: Any) -> Gone:
        """Unset the volatile attributes; gives what their text in compact JSON was."""
        gone = Gone()
        for blank in self._struct_in_logs:
            blank.within(message, gone)
        if has_log_id(message):
            for blank in self._struct_elsewhere:
                blank.within(message, gone)
        return gone

    def blank_object(self, message: Any) -> None:
        """Remove the volatile keys of a message read exactly."""
        has_id = bool(log_id_of(message))
        for keys in self._object_in_logs:
            _remove(message, keys)
        for keys in self._object_elsewhere if has_id else ():
            _remove(message, keys)


@dataclass(slots=True)
class Gone:
    """Members that were unset: their bytes in compact JSON with a comma each, and their quotes."""

    size_bytes: int = 0
    quotes: int = 0


@dataclass(frozen=True, slots=True)
class _Blank:
    """Unsets one attribute of a Struct; made once per path, as it runs for every message.

    `reach` gives what lies above it: its owner, or an array whose items `inner` goes on from.
    """

    reach: Callable[[Any], Any]
    name: str
    key: bytes
    inner: _Blank | None

    @classmethod
    def of(cls, path: str) -> _Blank:
        """From the path, with or without arrays."""
        outer, _, rest = path.partition("[].")
        above, _, last = outer.rpartition(".") if not rest else (outer, "", "")
        names = [attribute_name(key) for key in above.split(".") if key]
        reach = attrgetter(".".join(names)) if names else _itself
        inner = cls.of(rest) if rest else None
        return cls(reach, attribute_name(last), bytes(_encode(last)), inner)

    def within(self, at: Any, gone: Gone) -> None:
        """Unset it wherever it stands below a Struct."""
        try:
            reached = self.reach(at)
        except AttributeError:  # something above it is null or missing
            return
        if self.inner is None:
            self._unset(reached, gone)
            return
        for item in reached or ():
            if item is not None:
                self.inner.within(item, gone)

    def _unset(self, owner: Any, gone: Gone) -> None:
        value = getattr(owner, self.name, UNSET)
        if value is not UNSET:
            setattr(owner, self.name, UNSET)
            text = self.key + _encode(value)
            gone.size_bytes += len(text) + 2  # the colon and a comma
            gone.quotes += text.count(b'"')


def _itself(owner: Any) -> Any:
    return owner


def _keys(path: str) -> list[str]:
    return [key.removesuffix("[]") for key in path.split(".")]


def _remove(at: Any, keys: Sequence[str]) -> None:
    if isinstance(at, list):
        for item in at:
            _remove(item, keys)
    elif isinstance(at, dict):
        if len(keys) == 1:
            at.pop(keys[0], None)
        else:
            _remove(at.get(keys[0]), keys[1:])


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


def repeats_a_key(raw: bytes, canonical: bytes, gone: Gone) -> bool:
    """Whether the raw message may hold more members than its decoded form, of which `gone` went.

    The canonical text is never longer than the raw one, and a repeated key makes the raw one longer
    by six bytes at least; so lengths settle it for compact JSON, and for other JSON the quotes do.
    Quotes spelled as \\u0022 count as missing: such a message then goes the exact way, to no harm.
    """
    if len(raw) <= len(canonical) + gone.size_bytes:
        return False
    return raw.count(b'"') != canonical.count(b'"') + gone.quotes


def canonical_struct(message: Any) -> bytes:
    """The canonical text of a message that passed its gate."""
    return _encode(message)


def canonical_object(message: JsonObject) -> bytes:
    """The canonical text of a message read exactly; repeated keys make it another content."""
    repeated: list[tuple[str, Any]] = []
    plain = _plain(message, repeated)
    earlier = "".join(f"\n{key}={to_json(value)}" for key, value in repeated)
    return bytes(_encode_sorted(plain)) + earlier.encode("utf-8", "surrogatepass")


def canonical_value(value: Any) -> bytes:
    """The canonical text of a part of a message; the caller sees to repeated keys."""
    return bytes(_encode_sorted(_plain(value, [])))


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
    return (
        text
        if text.isascii()
        else text.encode("utf-8", "surrogatepass").decode("utf-8", "backslashreplace")
    )
