"""Columnar tables: framing of Parquet, one item a row.

Rows have no bytes of their own in such a file. The bytes that are counted are those of the messages in
their column, one after the other; a row without one is a broken item of no bytes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from etl.errors import PermanentError, UsageFault
from etl.framing.delimited import find_column
from etl.framing.frames import BROKEN, ITEM, FrameBatch, join_batches, make_batch

MAGIC: Final = b"PAR1"
_BATCH_ROWS: Final = 1024
_HELD_BYTES: Final = 64 * 2**20
"""A file is held in memory up to this size, then in one without a name."""

Cell = tuple[bytes, Any]
"""The message of a row in UTF-8, b"" where it has none, and the value of its time."""


class ColumnarFramer:
    """Frames a Parquet file, which can be read only when all of it is here."""

    separator_bytes = 0
    torn_bytes = 0

    def __init__(
        self, *, column: str, received_at: str, count_parts: Callable[[bytes], int]
    ) -> None:
        self._column, self._received_at = column, received_at
        self._count_parts = count_parts
        self._file = tempfile.SpooledTemporaryFile(_HELD_BYTES)  # noqa: SIM115 - closed at the end
        self.counted_bytes: int | None = 0

    def feed(self, chunk: bytes) -> FrameBatch:
        """Take the next bytes; gives nothing yet."""
        self._file.write(chunk)
        return FrameBatch()

    def finish(self) -> FrameBatch:
        """Tell that no bytes follow; gives all rows."""
        with self._file:
            batches = list(self._frame(self._file))
        return join_batches(batches)

    def _frame(self, file: Any) -> Iterator[FrameBatch]:
        at = 0
        for cells in read_cells(file, column=self._column, received_at=self._received_at):
            found: list[tuple[int, int, int]] = []
            for body, _ in cells:
                found.append((at, len(body), ITEM if body else BROKEN))
                at += len(body)
                found += [(at, 0, ITEM)] * (self._count_parts(body) - 1 if body else 0)
            offset, length, kind = zip(*found, strict=True)
            yield make_batch(offset, length, kind=kind)
        self.counted_bytes = at


def read_cells(
    file: BinaryIO, *, column: str, received_at: str, first: int = 0
) -> Iterator[list[Cell]]:
    """The cells of rows from number `first` on, some at a time.

    Raises UsageFault where a column is missing or not of text, PermanentError where the file is
    damaged.
    """
    with _damage_reported(), pq.ParquetFile(file) as table:
        names = table.schema_arrow.names
        chosen = [names[find_column(names, name)] for name in (column, received_at) if name]
        _check_text(table.schema_arrow.field(chosen[0]))
        groups, skipped = _groups_from(table.metadata, first)
        wanted = first - skipped
        for batch in table.iter_batches(_BATCH_ROWS, row_groups=groups, columns=chosen):
            cells = _cells(batch, chosen)[wanted:]
            wanted = max(wanted - batch.num_rows, 0)
            if cells:
                yield cells


def names_of(file: BinaryIO) -> list[str]:
    """The names of the columns. Raises PermanentError where the file is damaged."""
    with _damage_reported():
        names: list[str] = pq.read_schema(file).names
    return names


def _cells(batch: pa.RecordBatch, chosen: Sequence[str]) -> list[Cell]:
    bodies = [_as_bytes(value) for value in batch.column(chosen[0]).to_pylist()]
    times = _times(batch.column(chosen[1])) if len(chosen) > 1 else [None] * len(bodies)
    return list(zip(bodies, times, strict=True))


def _times(column: pa.Array) -> list[Any]:
    """What the cells hold; instants and days as microseconds since 1970, which always fit."""
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        column = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    values: list[Any] = column.to_pylist()
    return values


def _as_bytes(value: str | bytes | None) -> bytes:
    body = value.encode() if isinstance(value, str) else value or b""
    return body if body.strip() else b""


def _groups_from(metadata: pq.FileMetaData, first: int) -> tuple[list[int], int]:
    """The row groups from that of a row on, and how many rows are before them."""
    skipped = 0
    for number in range(metadata.num_row_groups):
        rows = metadata.row_group(number).num_rows
        if skipped + rows > first:
            return list(range(number, metadata.num_row_groups)), skipped
        skipped += rows
    return [], skipped


def _check_text(field: pa.Field) -> None:
    kinds = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_binary,
        pa.types.is_large_binary,
    )
    type_ = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    if not any(is_kind(type_) for is_kind in kinds):
        raise UsageFault(
            f"Column {field.name} does not hold text; export the messages as JSON text."
        )


@contextmanager
def _damage_reported() -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError):
        raise PermanentError("A Parquet file is damaged; export it again.") from None
