"""The list of sources already landed, by which a sensor tells new ones without opening anything."""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from etl.atomic import replacing
from etl.errors import DiskFull
from etl.sources.files import SourceFile

log = logging.getLogger(__name__)

SCHEMA = pa.schema(
    [
        ("uri", pa.string()),
        ("size", pa.int64()),
        ("mtime_ns", pa.int64()),
        ("etag", pa.string()),
        ("object_id", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class SeenEntry:
    """A source as it was when its bytes were landed as `object_id`."""

    uri: str
    size: int
    mtime_ns: int
    etag: str
    object_id: str


def is_damaged(path: Path) -> bool:
    """True if there is a list that cannot be read."""
    try:
        return path.is_file() and pq.read_schema(path) != SCHEMA
    except (pa.ArrowException, OSError):
        return True


def read_seen(path: Path) -> list[SeenEntry]:
    """The entries of a seen list, none when there is no list or it is damaged."""
    if not path.is_file():
        return []
    try:
        columns = pq.read_table(path, schema=SCHEMA).to_pydict()
    except (pa.ArrowException, OSError):
        log.warning(
            "%s is damaged and will be written again: sources are read once more, and what is "
            "known is not loaded again", path.name
        )  # fmt: skip
        return []
    return [SeenEntry(*row) for row in zip(*columns.values(), strict=True)]


def write_seen(path: Path, entries: Sequence[SeenEntry]) -> None:
    """Replace the seen list atomically; only its owner may read it. Raises DiskFull."""
    rows = [(e.uri, e.size, e.mtime_ns, e.etag, e.object_id) for e in entries]
    columns = zip(*rows, strict=True) if rows else [()] * len(SCHEMA)
    arrays = [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)]
    table = pa.Table.from_arrays(arrays, schema=SCHEMA)
    try:
        with replacing(path) as file:
            pq.write_table(table, file, compression="zstd")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFull(
            "The disk is full, so what was landed is not noted; free space and run again."
        ) from None


def unseen(sources: Iterable[SourceFile], seen: Iterable[SeenEntry]) -> Iterator[SourceFile]:
    """The sources that are new or have changed since they were landed."""
    known = {entry.uri: (entry.size, entry.mtime_ns, entry.etag) for entry in seen}
    for source in sources:
        if known.get(source.uri) != (source.size, source.mtime_ns, source.etag):
            yield source
