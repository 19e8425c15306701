"""Delimited tables: framing of CSV and the like, one item a row; the header and line ends separate.

A row is bytes as received. Fields are read by the standard library's csv, with bytes as Latin-1, so
that they come back as they were. A row whose quote is never closed costs itself alone.
"""

from __future__ import annotations

import csv
import io
import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from etl.errors import UsageFault
from etl.framing.frames import BROKEN, ITEM, FrameBatch, make_batch
from etl.framing.values import MAX_HELD_BYTES

DELIMITERS: Final = ",\t;|"
MARK: Final = b"\xef\xbb\xbf"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_ .-]{0,63}")
_EXACT: Final = "latin-1"


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a table: names, the delimiter, and which hold the messages and their times.

    `received_at` is -1 where no column does.
    """

    names: tuple[str, ...]
    delimiter: str
    column: int
    received_at: int

    def read_row(self, row: bytes) -> tuple[bytes, bytes] | None:
        """The message and the time of a row, None where it has not as many fields as the header."""
        fields = read_fields(row, self.delimiter)
        if len(fields) != len(self.names):
            return None
        received_at = fields[self.received_at] if self.received_at >= 0 else ""
        return fields[self.column].encode(_EXACT), received_at.encode(_EXACT)


def read_fields(row: bytes, delimiter: str, *, strict: bool = False) -> list[str]:
    """The fields of a row, bytes as Latin-1; none where it breaks the rules and they are `strict`."""
    csv.field_size_limit(2 * MAX_HELD_BYTES)
    text = io.StringIO(row.decode(_EXACT), newline="")
    try:
        return next(csv.reader(text, delimiter=delimiter, strict=strict), [])
    except csv.Error:
        return []


def read_names(header: bytes) -> tuple[tuple[str, ...], str]:
    """The names in a header and its delimiter; no names where it is none."""
    row = header.removeprefix(MARK).rstrip(b"\r\n")
    best: tuple[tuple[str, ...], str] = ((), ",")
    for delimiter in DELIMITERS:
        names = tuple(name.strip() for name in read_fields(row, delimiter))
        if len(names) > len(best[0]) and all(map(_NAME.fullmatch, names)):
            best = names, delimiter
    return best


def read_layout(header: bytes, *, column: str, received_at: str) -> Layout:
    """The layout that a header gives. Raises UsageFault where it lacks a column."""
    names, delimiter = read_names(header)
    if not names:
        raise UsageFault(
            "The first line is not the header of a table; export it as CSV with a header."
        )
    at = find_column(names, column)
    time_at = find_column(names, received_at) if received_at else -1
    return Layout(names, delimiter, at, time_at)


def find_column(names: Sequence[str], wanted: str) -> int:
    """Where a column is. Raises UsageFault with the columns that there are."""
    same = [number for number, name in enumerate(names) if name == wanted]
    alike = [number for number, name in enumerate(names) if name.lower() == wanted.lower()]
    if same or len(alike) == 1:
        return (same or alike)[0]
    listed = ", ".join(name for name in names if _NAME.fullmatch(name))
    raise UsageFault(f"The table has no column {wanted}; its columns are {listed}.")


class DelimitedFramer:
    """Frames a table; a row without a message in its column is a broken item.

    `count_parts` says how many messages a field holds.
    """

    torn_bytes = 0
    counted_bytes: int | None = None

    def __init__(
        self, *, column: str, received_at: str, count_parts: Callable[[bytes], int]
    ) -> None:
        self.separator_bytes = 0
        self._column, self._received_at = column, received_at
        self._count_parts = count_parts
        self._layout: Layout | None = None
        self._base = 0  # offset of the first byte that is held
        self._lines: list[bytes] = []  # of the row that is not ended yet
        self._line_bytes = self._quotes = 0
        self._waiting: deque[bytes] = deque()  # lines to be taken
        self._rest: list[bytes] = []  # of the line that is not ended yet
        self._rest_bytes = 0
        self._found: list[tuple[int, int, int]] = []

    def undecided_from(self) -> tuple[int, int]:
        """Return where the row begins that is open, twice."""
        return self._base, self._base

    def feed(self, chunk: bytes) -> FrameBatch:
        """Take the next bytes; gives the rows that are complete."""
        first, newline, rest = chunk.rpartition(b"\n")
        if not newline:
            self._rest.append(chunk)
            self._rest_bytes += len(chunk)
            if self._rest_bytes > MAX_HELD_BYTES:
                self._take_all([b"".join(self._rest)])
                self._rest, self._rest_bytes = [], 0
            return self._hand_over()
        whole = b"".join((*self._rest, first, newline))
        self._rest, self._rest_bytes = [rest], len(rest)
        self._take_all(line + b"\n" for line in whole.split(b"\n")[:-1])
        return self._hand_over()

    def finish(self) -> FrameBatch:
        """Tell that no bytes follow; gives the last rows."""
        last = b"".join(self._rest)
        if last:
            self._take_all([last])
        while self._lines:
            self._give_up_first()
            self._take_all(())
        return self._hand_over()

    def _take_all(self, lines: Iterable[bytes]) -> None:
        self._waiting.extend(lines)
        while self._waiting:
            self._take_line(self._waiting.popleft())

    def _take_line(self, line: bytes) -> None:
        self._lines.append(line)
        self._line_bytes += len(line)
        self._quotes += line.count(b'"')
        if self._quotes % 2 == 0 or (len(self._lines) == 1 and self._is_whole(line)):
            self._end_row()
        elif self._line_bytes > MAX_HELD_BYTES:
            self._give_up_first()

    def _is_whole(self, line: bytes) -> bool:
        """True if bytes are a row by the rules; quotes may stand inside of plain fields."""
        if self._layout is None:
            return True
        fields = read_fields(line, self._layout.delimiter, strict=True)
        return len(fields) == len(self._layout.names)

    def _end_row(self) -> None:
        raw = b"".join(self._lines)
        if len(self._lines) > 1 and not self._is_whole(raw):
            self._give_up_first()  # an open quote has swallowed the rows behind it
            return
        self._lines, self._line_bytes, self._quotes = [], 0, 0
        row = raw.rstrip(b"\r\n")
        if not row.strip():
            self._separate(len(raw))
        elif self._layout is None:
            self._layout = read_layout(row, column=self._column, received_at=self._received_at)
            self._separate(len(raw))
        else:
            self._add_row(row, len(raw) - len(row))

    def _add_row(self, row: bytes, end_bytes: int) -> None:
        assert self._layout is not None
        read = self._layout.read_row(row)
        kind = ITEM if read is not None and read[0].strip() else BROKEN
        self._found.append((self._base, len(row), kind))
        self._base += len(row)
        parts = self._count_parts(read[0]) if read is not None and kind == ITEM else 1
        self._found += [(self._base, 0, ITEM)] * (parts - 1)
        self._separate(end_bytes)

    def _give_up_first(self) -> None:
        """The first line of an open row is a row of its own; the others are read again."""
        first, *others = self._lines
        self._lines, self._line_bytes, self._quotes = [], 0, 0
        row = first.rstrip(b"\r\n")
        if row.strip():
            self._found.append((self._base, len(row), BROKEN))
            self._base += len(row)
            self._separate(len(first) - len(row))
        else:
            self._separate(len(first))
        self._waiting.extendleft(reversed(others))

    def _separate(self, size_bytes: int) -> None:
        self.separator_bytes += size_bytes
        self._base += size_bytes

    def _hand_over(self) -> FrameBatch:
        found, self._found = self._found, []
        offset, length, kind = zip(*found, strict=True) if found else ((),) * 3
        return make_batch(offset, length, kind=kind)
