"""The index of a landed object: where each item is, and what is known of the object as a whole.

One Parquet file: grain one row per item, in the order of the bytes; the facts of the object are
in its metadata, so that they are read without the rows.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from etl.errors import PermanentError
from etl.framing.frames import FrameBatch, join_batches, take_slice

SCHEMA = pa.schema(
    [
        pa.field("offset", pa.int64(), nullable=False),
        pa.field("length", pa.int64(), nullable=False),
        pa.field("kind", pa.int8(), nullable=False),
        pa.field("received_at_us", pa.int64(), nullable=False),
    ]
)
ROW_GROUP_ITEMS = 2**18
"""Items that are read together: a worker reads a few thousand, an object may have 100 million."""
_FACTS = "landed_object"


@dataclass(frozen=True, slots=True)
class LandedObject:
    """What is known of a landed object. Sizes in uncompressed bytes; `landed_at` in UTC.

    size_bytes = separator_bytes + torn_bytes + the lengths of all items. `source_mark` tells by
    what a change of the source is noticed when the bytes stay in place. `form` is what framing
    depended on beside the bytes. `sha256` is the hash of the bytes where it is not the id, because
    the same bytes are landed in another form too. `kept_sha256` is the hash of the bytes as they
    are kept since a purge has overwritten some, empty before.
    """

    object_id: str
    uri: str
    size_bytes: int
    item_count: int
    separator_bytes: int
    torn_bytes: int
    in_place: bool
    landed_at: datetime
    source_mark: str = ""
    form: str = ""
    sha256: str = ""
    kept_sha256: str = ""


def expected_hash(landed: LandedObject) -> str:
    """Of the bytes as they are kept."""
    return landed.kept_sha256 or landed.sha256 or landed.object_id


class IndexWriter:
    """Writes items as they are found, holding at most one row group of them."""

    def __init__(self, writer: pq.ParquetWriter) -> None:
        self._writer = writer
        self._waiting: list[FrameBatch] = []
        self._waiting_items = 0

    def write(self, batch: FrameBatch) -> None:
        """Append items."""
        self._waiting.append(batch)
        self._waiting_items += len(batch)
        if self._waiting_items >= ROW_GROUP_ITEMS:
            self._write_waiting()

    def finish(self, landed: LandedObject) -> None:
        """Append what is waiting and the facts of the object."""
        self._write_waiting()
        facts = asdict(landed) | {"landed_at": landed.landed_at.isoformat()}
        self._writer.add_key_value_metadata({_FACTS: json.dumps(facts)})

    def _write_waiting(self) -> None:
        items = join_batches(self._waiting)
        self._waiting, self._waiting_items = [], 0
        columns = [items.offset, items.length, items.kind, items.received_at_us]
        if len(items):
            self._writer.write_table(pa.table(columns, schema=SCHEMA), ROW_GROUP_ITEMS)


@contextmanager
def write_index(path: Path) -> Iterator[IndexWriter]:
    """Write the index of an object to a new file, flushed to disk at the end."""
    with create_private(path) as file:
        with pq.ParquetWriter(
            file,
            SCHEMA,
            compression="zstd",
            use_dictionary=["kind", "received_at_us"],
            column_encoding={"offset": "DELTA_BINARY_PACKED", "length": "DELTA_BINARY_PACKED"},
        ) as writer:
            yield IndexWriter(writer)
        sync_file(file)


def write_items(path: Path, items: FrameBatch, landed: LandedObject) -> None:
    """Write the index of an object whose items are known to a new file, flushed to disk."""
    with write_index(path) as index:
        for start in range(0, len(items), ROW_GROUP_ITEMS):
            index.write(take_slice(items, start, start + ROW_GROUP_ITEMS))
        index.finish(landed)


def read_facts(path: Path) -> LandedObject:
    """What is known of the object, without reading its items."""
    with damage_told(path):
        facts = json.loads(pq.read_metadata(path).metadata[_FACTS.encode()])
    landed_at = datetime.fromisoformat(facts.pop("landed_at"))
    return LandedObject(**facts, landed_at=landed_at)


def read_items(path: Path, start: int, stop: int | None) -> FrameBatch:
    """Where the items start <= position < stop are; only their row groups are read."""
    with damage_told(path), pq.ParquetFile(path) as file:
        groups, skipped = _select_groups(file.metadata, start, stop)
        if not groups:
            return FrameBatch()
        table = file.read_row_groups(groups)
    first = start - skipped
    count = None if stop is None else max(stop - start, 0)
    wanted = table.slice(first, count).combine_chunks()
    return FrameBatch(*(column.to_numpy() for column in wanted.columns))


def _select_groups(
    metadata: pq.FileMetaData, start: int, stop: int | None
) -> tuple[list[int], int]:
    """The row groups that hold the positions, and how many rows are before them."""
    groups: list[int] = []
    skipped = first = 0
    for number in range(metadata.num_row_groups):
        last = first + metadata.row_group(number).num_rows
        if last <= start:
            skipped = last
        elif stop is None or first < stop:
            groups.append(number)
        first = last
    return groups, skipped


@contextmanager
def damage_told(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, KeyError):
        raise PermanentError(
            f"The index of landed object {path.name[:12]} is damaged; restore it from a backup or "
            "land its source again."
        ) from None


def create_private(path: Path) -> BinaryIO:
    """Create a file that only its owner may read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def sync_file(file: BinaryIO) -> None:
    """Wait until what was written is on the disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
