"""Items of a run, one by one: the messages in them, also of an item with several or a row of Parquet."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Final

import numpy as np

from etl.framing.columnar import Cell, read_cells
from etl.framing.frames import ITEM
from etl.framing.places import is_part
from etl.landing.store import Landing, LandingReader
from etl.pipeline.opening import BAD_ROW, ItemOpener, Opened, is_columnar
from etl.pipeline.units import Run
from etl.sources.recipe import Recipe

SEVERAL_MESSAGES: Final = "several_messages"


class Rows:
    """Finds the cells of a run's items: every item that is not a part has a row."""

    def __init__(self, run: Run, landing: Landing, reader: LandingReader) -> None:
        before = landing.items(run.object_id, 0, run.first_item)
        is_row = (run.length > 0) | (run.kind != ITEM)
        self._row = int((~is_part(before)).sum()) + np.cumsum(is_row) - 1
        self._cells = CellReader(reader, Recipe.from_text(run.unwrap))

    def cell(self, index: int) -> Cell:
        """The cell of an item of the run."""
        return self._cells.cell(int(self._row[index]))


class ItemsOfRun:
    """The items of one run; opens the bytes that hold several messages once for all of them."""

    def __init__(
        self,
        run: Run,
        landing: Landing,
        reader: LandingReader,
        opener: ItemOpener,
        *,
        max_bytes: int,
    ) -> None:
        self.run = run
        self._landing = landing
        self._reader = reader
        self._opener = opener
        self._max_bytes = max_bytes
        self._rows: Rows | None = None
        if opener.is_of_table and is_columnar(reader):
            self._rows = Rows(run, landing, reader)
        self._opened: list[Opened] = []  # the messages in the bytes that were opened last
        self._is_counted = True  # as many as there were when they were landed
        self._following = -1, 0  # the next item of the run and the number of its message in them

    def head(self, index: int, size_bytes: int) -> bytes:
        """The first bytes of an item."""
        length = min(int(self.run.length[index]), size_bytes)
        return self._reader.read(int(self.run.offset[index]), length)

    @property
    def is_of_table(self) -> bool:
        """True if the items are rows."""
        return self._opener.is_of_table

    def received(self, index: int) -> bytes:
        """An item as received; of Parquet, the field of its row."""
        if self._rows is not None:
            return self._rows.cell(index)[0]
        return self._reader.read(int(self.run.offset[index]), int(self.run.length[index]))

    def text(self, index: int) -> bytes:
        """An item in UTF-8."""
        received = self.received(index)
        return received if self._rows is not None else self._opener.decode(received)

    def messages(self, index: int) -> list[Opened]:
        """The messages in an item that has bytes."""
        if self._rows is not None:
            return self._opener.open_cell(*self._rows.cell(index))
        return self._opener.open(self.text(index))

    def message(self, index: int) -> Opened:
        """The message of an item that is whole."""
        if self.run.length[index]:
            self._opened, part = self.messages(index), 0
            is_one = len(self._opened) == 1
            self._is_counted = is_one or self._count_parts(index) == len(self._opened)
        elif index == self._following[0]:
            part = self._following[1]
        else:
            part = self._open_around(index)
        self._following = index + 1, part + 1
        if self._is_counted and part < len(self._opened):
            return self._opened[part]
        return Opened(b"", self._opened[0].received_at, SEVERAL_MESSAGES)

    def _open_around(self, index: int) -> int:
        """Open the bytes that hold a part whose first message is not in the run; gives its number."""
        place = self._landing.place_of(self.run.object_id, self.run.first_item + index)
        if not 0 < place.length <= self._max_bytes:
            nothing = BAD_ROW if self.is_of_table else "truncated"
            reason = "too_large" if place.length else nothing
            self._opened, self._is_counted = [Opened(b"", reason=reason)], True
            return 0
        if self._rows is not None:
            self._opened = self._opener.open_cell(*self._rows.cell(index))
        else:
            text = self._opener.decode(self._reader.read(place.offset, place.length))
            self._opened = self._opener.open(text)
        self._is_counted = place.parts == len(self._opened)
        return place.part

    def _count_parts(self, index: int) -> int:
        """How many messages were seen in an item when it was landed."""
        stop = index + 1
        while stop < len(self.run) and self.run.kind[stop] == ITEM and not self.run.length[stop]:
            stop += 1
        if stop < len(self.run):
            return stop - index
        return self._landing.place_of(self.run.object_id, self.run.first_item + index).parts


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
