"""Finds the key under which an item that is not a message holds messages."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from etl.sources.envelope import EACH, json_in_text

MOST_BYTES: Final = 4 * 2**20
_MOST_VALUES: Final = 20_000
_MOST_ELEMENTS: Final = 3
"""Elements of an array that are looked into: they are alike."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", re.ASCII)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_decode_any = msgspec.json.Decoder(Any).decode


def find_key(item: bytes) -> str:
    """The key for `--unwrap` that leads to messages, the shortest; "" where none is found.

    Only names that look like names are part of a key: others may hold anything.
    """
    if len(item) > MOST_BYTES:
        return ""
    root = _decode(item.removeprefix(_BYTE_ORDER_MARK))
    waiting: deque[tuple[tuple[str, ...], Any]] = deque([((), root)])
    for _ in range(_MOST_VALUES):
        if not waiting:
            break
        path, value = waiting.popleft()
        if path and _is_message(value):
            return ".".join(path).removesuffix(EACH)
        waiting.extend(_inside(path, value))
    return ""


def _inside(path: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The values in a value that may hold a message, with their paths."""
    if isinstance(value, str):
        value = _decode(json_in_text(value))
        if value is not None:
            yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            if _NAME.fullmatch(name) and isinstance(inner, str | dict | list):
                yield (*path, name), inner
    elif isinstance(value, list):
        each = (*path[:-1], path[-1] + EACH) if path and not path[-1].endswith(EACH) else path
        for inner in value[:_MOST_ELEMENTS]:
            yield each, inner


def _is_message(value: Any) -> bool:
    meta = value.get("Meta") if isinstance(value, dict) else None
    return isinstance(meta, dict) and isinstance(meta.get("DataModel"), str)


def _decode(text: bytes) -> Any:
    try:
        return _decode_any(text) if text else None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
