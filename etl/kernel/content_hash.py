"""The content hash of a message read exactly: equal to the reader's for equal content.

A message's hash is the sum over its leaves, populated or not, of (path of keys, ordinals, type,
canonical value), keyed by a secret of the home. White space, order of keys, escapes and number
spelling do not matter. A repeated key counts with its path and all its values in order. Delivery is
at least once: a redelivery keeps its log id and changes the catalog's delivery-volatile Meta paths,
so these are left out when there is a log id; without one only those inside Meta.Logs[] are. An empty
object where only such paths are expected is not content either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from etl.conform.exact_json import JsonObject, NumberText, canonical_number
from etl.kernel._reader import ARRAY_MARK, REPEAT_MARK, Hasher
from etl.kernel.program import Flag

_TEXT, _NUMBER, _TRUE, _FALSE, _NULL, _EMPTY_OBJECT, _EMPTY_ARRAY = range(1, 8)
_WORD = 2**64

Lanes = tuple[int, int]


class ContentHash:
    """Hashes messages of any content; `volatile` maps JSON keys to when they are left out."""

    def __init__(self, secret: bytes, volatile: Mapping[tuple[str, ...], Flag]) -> None:
        self._hasher = Hasher(secret)
        self._volatile = volatile
        self._parents = {keys[:-1] for keys in volatile}
        self._above = {keys[:end] for keys in volatile for end in range(len(keys))}

    def of(self, message: JsonObject) -> bytes:
        """16 bytes."""
        path, place = self._hasher.root()
        sum_ = _Sum(self._hasher, has_log=bool(log_id_of(message)))
        self._add(sum_, message, path, place, ())
        return (sum_.a % _WORD).to_bytes(8, "little") + (sum_.b % _WORD).to_bytes(8, "little")

    def _add(
        self, sum_: _Sum, value: Any, path: Lanes, place: Lanes, keys: tuple[str, ...] | None
    ) -> None:
        """Add all leaves of a value; `keys` lead to it, None where nothing volatile is below."""
        if isinstance(value, dict):
            if value:
                self._add_object(sum_, value, path, place, keys)
            elif keys not in self._parents:
                sum_.leaf(path, place, _EMPTY_OBJECT, b"")
        elif isinstance(value, list):
            if not value:
                sum_.leaf(path, place, _EMPTY_ARRAY, b"")
            inner = self._hasher.mark(path, ARRAY_MARK)
            for ordinal, item in enumerate(value, 1):
                self._add(sum_, item, inner, self._hasher.place(place, ordinal), keys)
        else:
            sum_.leaf(path, place, *_scalar(value))

    def _add_object(
        self,
        sum_: _Sum,
        value: dict[str, Any],
        path: Lanes,
        place: Lanes,
        keys: tuple[str, ...] | None,
    ) -> None:
        repeated = getattr(value, "repeated", ())
        again = {key for key, _ in repeated}
        for key, inner in value.items():
            below = self._below(keys, key)
            if below is not None and sum_.leaves_out(self._volatile.get(below)):
                continue
            child = self._hasher.child(path, key.encode("utf-8", "surrogatepass"))
            if key not in again:
                self._add(sum_, inner, child, place, below)
                continue
            marked = self._hasher.mark(child, REPEAT_MARK)
            values = [earlier for name, earlier in repeated if name == key]
            for number, own in enumerate([*values, inner], 1):
                self._add(sum_, own, marked, self._hasher.place(place, number), below)

    def _below(self, keys: tuple[str, ...] | None, key: str) -> tuple[str, ...] | None:
        if keys is None:
            return None
        below = (*keys, key)
        return below if below in self._above or below in self._volatile else None


class _Sum:
    def __init__(self, hasher: Hasher, *, has_log: bool) -> None:
        self.a = self.b = 0
        self._leaf = hasher.leaf
        self._has_log = has_log

    def leaf(self, path: Lanes, place: Lanes, kind: int, value: bytes) -> None:
        a, b = self._leaf(path, place, kind, value)
        self.a += a
        self.b += b

    def leaves_out(self, flag: Flag | None) -> bool:
        """True if a volatile path is left out of this message."""
        return flag is Flag.VOLATILE_ALWAYS or (flag is not None and self._has_log)


def _scalar(value: Any) -> tuple[int, bytes]:
    if value is None:
        return _NULL, b""
    if isinstance(value, bool):
        return (_TRUE if value else _FALSE), b""
    if isinstance(value, NumberText):
        return _NUMBER, canonical_number(value).encode()
    return _TEXT, value.encode("utf-8", "surrogatepass")


def log_id_of(message: Mapping[str, Any]) -> str:
    """The first non-empty Meta.Logs[].ID of a message read exactly, "" without one."""
    meta = message.get("Meta")
    logs = meta.get("Logs") if isinstance(meta, dict) else None
    entries = logs if isinstance(logs, list) else [logs]
    ids = (entry.get("ID") for entry in entries if isinstance(entry, dict))
    return next((str(found) for found in ids if isinstance(found, str) and found), "")
