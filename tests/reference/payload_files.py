"""Files of payloads, read the slow way: NDJSON, a JSON array, or values in a row; plain or .gz.

Part of the slow reference, imports nothing of ours. NDJSON lines that are no JSON are items too.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.reference.json_text import NotJson, Object, Value, parse, parse_run


@dataclass(frozen=True)
class Item:
    """One item of a file, counted from 0; `payload` is None where the bytes are no JSON."""

    path: Path
    place: int
    payload: Value
    is_json: bool

    @property
    def is_message(self) -> bool:
        """Whether this is a JSON object with a Meta that names model and event type."""
        return self.is_json and all(
            isinstance(self.payload, Object) and isinstance(self.payload.get("Meta", name), str)
            for name in ("DataModel", "EventType")
        )


def read_bytes(path: Path) -> bytes:
    """The uncompressed content of a file."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def items(paths: Iterable[Path], *, read: Callable[[Path], bytes] = read_bytes) -> Iterator[Item]:
    """All items of the files in order; `read` may be given for other compressions."""
    for path in paths:
        lines = _lines(read(path)) if ".ndjson" in path.suffixes else _values(read(path))
        for place, (payload, is_json) in enumerate(lines):
            yield Item(path, place, payload, is_json)


def _lines(data: bytes) -> Iterator[tuple[Value, bool]]:
    for line in data.split(b"\n"):
        if not line.strip(b"\xef\xbb\xbf \t\r"):
            continue
        try:
            yield parse(line), True
        except NotJson:
            yield None, False


def _values(data: bytes) -> Iterator[tuple[Value, bool]]:
    values = list(parse_run(data))
    if len(values) == 1 and isinstance(values[0], list):
        values = values[0]
    for value in values:
        yield value, True


def count_items(paths: Iterable[Path]) -> dict[Path, int]:
    """The number of items of each file."""
    counts: dict[Path, int] = {}
    for item in items(paths):
        counts[item.path] = item.place + 1
    return counts
