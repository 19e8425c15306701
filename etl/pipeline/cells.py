"""Cells: fields of a landed Parquet file by the number of their row, read as the file stores them."""

from __future__ import annotations

import io
from collections.abc import Iterator

from etl.framing.columnar import Cell, read_cells
from etl.landing.store import LandingReader
from etl.sources.recipe import Recipe


class LandedFile(io.RawIOBase):
    """A landed object as a file in which one can seek."""

    def __init__(self, reader: LandingReader) -> None:
        self._reader = reader
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a byte."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._reader.size_bytes}
        self._at = start[whence] + offset
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, fewer only at the end."""
        left = max(self._reader.size_bytes - self._at, 0)
        part = self._reader.read(self._at, left if size < 0 else min(size, left))
        self._at += len(part)
        return part


class CellReader:
    """Reads cells; cheap in the order of rows, going back begins again."""

    def __init__(self, reader: LandingReader, recipe: Recipe) -> None:
        self._reader = reader
        self._recipe = recipe
        self._next_row = -1
        self._cells: Iterator[Cell] = iter(())

    def cell(self, row: int) -> Cell:
        """The cell of a row, counted from 0."""
        if row < self._next_row or self._next_row < 0:
            self._cells, self._next_row = self._from(row), row
        while True:
            found = next(self._cells)
            self._next_row += 1
            if self._next_row > row:
                return found

    def _from(self, row: int) -> Iterator[Cell]:
        batches = read_cells(
            LandedFile(self._reader),  # type: ignore[arg-type]
            column=self._recipe.column,
            received_at=self._recipe.received_at,
            first=row,
        )
        return (cell for cells in batches for cell in cells)
