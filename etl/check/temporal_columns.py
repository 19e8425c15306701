"""Reads whole columns of received dates and times, exactly as `times.read_time` reads each text.

A column of nothing but canonical texts goes through Arrow's own parser; else the texts of each form
are read together in numpy, and what remains one distinct text at a time. Which forms exist and
what they mean is said in `time_forms` and `times`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa

from etl.check.text_columns import (
    Flags,
    Integers,
    Texts,
    as_one_array,
    open_texts,
    pack_validity,
    read_integers,
)
from etl.check.time_forms import LONGEST_TEXT, TimeRule, shape_of
from etl.check.time_layouts import (
    BLOCK_ROWS,
    MICROS_OF_DAY,
    Layout,
    are_after_all_sentinels,
    has_layout,
    layout_of_shape,
    read_block,
)
from etl.check.times import read_time
from models.catalog.records import Temporal

CANONICAL_SHAPES: Final = {
    Temporal.DATE: "0000-00-00",
    Temporal.DATETIME: "0000-00-00T00:00:00.000Z",
}
ARROW_TYPES: Final = {
    Temporal.DATE: pa.date32(),
    Temporal.DATETIME: pa.timestamp("us", tz="UTC"),
}

# Fewer texts than this are read one by one sooner than together.
FEWEST_TOGETHER: Final = 16
# How many forms are looked for in one column before the rest is read one by one.
MOST_PROBES: Final = 8

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class TimeExceptions:
    """The rows of a column whose texts break the same rules.

    `rows` are 0-based and ascending; `received` holds their texts in that order. The value of a row
    is null exactly when the rules are those of `times.IMPOSSIBLE`.
    """

    rules: tuple[TimeRule, ...]
    rows: Integers
    received: pa.Array


@dataclass(frozen=True, slots=True)
class CoercedTimes:
    """A column as read: date32 or timestamp[us, UTC], one value per received row.

    `exceptions` has one entry per combination of rules, sorted by them; a row is in at most one.
    Canonical plausible texts, nulls and empty texts are in none.
    """

    values: pa.Array
    exceptions: tuple[TimeExceptions, ...]

    def __iter__(self) -> Iterator[tuple[int, tuple[TimeRule, ...], str]]:
        """Yield (row, rules, received text) of every exception; for few of them."""
        for group in self.exceptions:
            for row, text in zip(group.rows.tolist(), group.received.to_pylist(), strict=True):
                yield row, group.rules, text


def coerce_times(column: pa.Array | pa.ChunkedArray, temporal: Temporal) -> CoercedTimes:
    """Read a column of strings; nulls and empty texts become null, as do impossible texts."""
    array = as_one_array(column)
    if array.null_count == len(array):
        return CoercedTimes(pa.nulls(len(array), ARROW_TYPES[temporal]), ())
    texts = open_texts(array)
    values = _cast_canonical(texts, temporal)
    if values is not None:
        return CoercedTimes(values, ())
    reading = _Reading(texts, temporal)
    reading.read_together(CANONICAL_SHAPES[temporal])
    reading.read_found_forms()
    reading.read_singly()
    return CoercedTimes(reading.to_values(), reading.to_exceptions())


def _cast_canonical(texts: Texts, temporal: Temporal) -> pa.Array | None:
    """The values of a column of which nothing is to be noted, by Arrow's own parser; else None."""
    layout = layout_of_shape(CANONICAL_SHAPES[temporal], temporal)
    content = texts.content()
    count = np.count_nonzero(texts.lengths == layout.length) if layout else 0
    if not layout or count * layout.length != content.size or not has_layout(content, layout):
        return None
    has_empty = count + texts.array.null_count < len(texts.array)
    populated = texts.without_empty() if has_empty else texts.array
    try:
        values = populated.cast(ARROW_TYPES[temporal])
    except pa.ArrowInvalid:  # an impossible day or hour; the error's text holds it, so it ends here
        return None
    return values if _are_plainly_plausible(values) else None


def _are_plainly_plausible(values: pa.Array) -> bool:
    is_date = pa.types.is_date32(values.type)
    stored = read_integers(values.buffers()[1], is_wide=not is_date)
    numbers = stored[values.offset : values.offset + len(values)].astype(np.int64, copy=False)
    return are_after_all_sentinels(numbers, 1 if is_date else MICROS_OF_DAY)


class _Reading:
    """One column while it is read; `is_pending` marks texts that no step has read yet."""

    def __init__(self, texts: Texts, temporal: Temporal) -> None:
        self.texts = texts
        self.temporal = temporal
        self.is_pending: Flags = texts.lengths > 0
        self.is_valid: Flags = self.is_pending.copy()
        self.values: Integers = np.zeros(texts.lengths.size, np.int64)
        self.rows_by_rules: dict[tuple[TimeRule, ...], list[Integers]] = {}

    def read_together(self, shape: str) -> None:
        """Read the pending texts of one shape; those it cannot read stay pending."""
        layout = layout_of_shape(shape, self.temporal)
        if layout is None:
            return
        rows = np.flatnonzero(self.is_pending & (self.texts.lengths == layout.length))
        for start in range(0, rows.size, BLOCK_ROWS):
            self._read_block(rows[start : start + BLOCK_ROWS], layout)

    def read_found_forms(self) -> None:
        """Look at a few pending texts and read together all that have their forms."""
        tried = {CANONICAL_SHAPES[self.temporal]}
        for probe in range(MOST_PROBES):
            rows = np.flatnonzero(self.is_pending)
            if rows.size < FEWEST_TOGETHER:
                return
            text = self.texts.array[int(rows[probe * rows.size // MOST_PROBES])].as_py()
            if len(text) <= LONGEST_TEXT and (shape := shape_of(text)) not in tried:
                tried.add(shape)
                self.read_together(shape)

    def read_singly(self) -> None:
        """Read each distinct pending text on its own."""
        rows = np.flatnonzero(self.is_pending)
        if not rows.size:
            return
        encoded = self.texts.take(rows).dictionary_encode()
        distinct = [read_time(text, self.temporal) for text in encoded.dictionary.to_pylist()]
        places = read_integers(encoded.indices.buffers()[1], is_wide=False)
        self.values[rows] = np.array([_to_number(read.value) for read in distinct])[places]
        self.is_valid[rows] = np.array([read.value is not None for read in distinct])[places]
        for rules in {read.rules for read in distinct}:
            self._note(rules, rows[np.array([read.rules == rules for read in distinct])[places]])

    def to_values(self) -> pa.Array:
        """The values as an Arrow array of the temporal's type."""
        is_date = self.temporal is Temporal.DATE
        numbers = self.values.astype(np.int32) if is_date else self.values
        buffers = [pack_validity(self.is_valid), pa.py_buffer(numbers)]
        return pa.Array.from_buffers(ARROW_TYPES[self.temporal], numbers.size, buffers)

    def to_exceptions(self) -> tuple[TimeExceptions, ...]:
        """The noted rows, one entry per combination of rules."""
        return tuple(self._exceptions_of(rules) for rules in sorted(self.rows_by_rules))

    def _exceptions_of(self, rules: tuple[TimeRule, ...]) -> TimeExceptions:
        rows = np.sort(np.concatenate(self.rows_by_rules[rules]))
        return TimeExceptions(rules, rows, self.texts.take(rows))

    def _read_block(self, rows: Integers, layout: Layout) -> None:
        block = read_block(self.texts.gather(rows, layout.length), layout)
        done, is_odd = rows[block.is_read], block.is_implausible[block.is_read]
        self.values[done] = block.values[block.is_read]
        self.is_pending[done] = False
        self._note(layout.implausible_rules, done[is_odd])
        self._note(layout.rules, done[~is_odd])

    def _note(self, rules: tuple[TimeRule, ...], rows: Integers) -> None:
        if rules and rows.size:
            self.rows_by_rules.setdefault(rules, []).append(rows)


def _to_number(value: datetime | date | None) -> int:
    """Days or microseconds since 1970, 0 for no value."""
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    return 0 if value is None else (value - _EPOCH.date()).days
