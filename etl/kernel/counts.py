"""Counts by group: slice, day, source, facility, model, event, test. Additive over units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from etl.kernel.columns import integers
from etl.kernel.tables import MessageFacts
from models.catalog.records import Severity
from models.tables.plan import SLICE_BITS

Integers = npt.NDArray[np.int64]

GROUP_SCHEMA = pa.schema(
    [
        pa.field("slice", pa.int64()),
        pa.field("day", pa.date32()),
        pa.field("source_id", pa.string()),
        pa.field("facility_code", pa.string()),
        pa.field("data_model", pa.string()),
        pa.field("event_type", pa.string()),
        pa.field("is_test", pa.bool_()),
    ]
)

GroupKey = tuple[int, date, str, str, str, str, bool]
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


class Groups:
    """Numbers groups from 0 as they are met."""

    def __init__(self) -> None:
        self._numbers: dict[GroupKey, int] = {}
        self.event_types: list[str] = []

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, data_model: str, facts: MessageFacts, message_id: Integers) -> Integers:
        """The group number of each message."""
        texts = (facts.source_id, facts.facility_code, facts.event_type)
        encoded = [_encode(pc.fill_null(text, "")) for text in texts]
        days = np.asarray(facts.day.cast(pa.int32())).astype(np.int64)
        tests = np.asarray(pc.fill_null(facts.is_test, False).cast(pa.int8())).astype(np.int64)
        columns = [message_id >> SLICE_BITS, days, *(codes for codes, _ in encoded), tests]
        _, first, inverse = np.unique(_as_one(columns), return_index=True, return_inverse=True)
        names = [values for _, values in encoded]
        rows = np.stack([column[first] for column in columns], axis=1).tolist()
        numbers = [self._number_of(data_model, row, names) for row in rows]
        return np.asarray(numbers, dtype=np.int64)[inverse]

    def _number_of(self, data_model: str, row: list[int], names: list[list[str]]) -> int:
        source, facility, event = (
            values[code] for values, code in zip(names, row[2:5], strict=True)
        )
        day = date.fromordinal(_EPOCH_ORDINAL + row[1])
        key = (row[0], day, source, facility, data_model, event, bool(row[5]))
        number = self._numbers.setdefault(key, len(self._numbers))
        if number == len(self.event_types):
            self.event_types.append(event)
        return number

    def to_table(self) -> pa.Table:
        """One row per group, in the order of the numbers."""
        columns = list(zip(*self._numbers, strict=True)) or [()] * len(GROUP_SCHEMA)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, GROUP_SCHEMA, strict=True)]
        return pa.Table.from_arrays(arrays, schema=GROUP_SCHEMA)


def _as_one(columns: Sequence[Integers]) -> Integers:
    """Numbers that are equal exactly where all columns are."""
    one = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        low = int(column.min()) if len(column) else 0
        width = int(column.max()) - low + 1 if len(column) else 1
        one = one * width + (column - low)
    return one


def _encode(texts: pa.Array) -> tuple[Integers, list[str]]:
    encoded = pc.dictionary_encode(texts)
    return np.asarray(encoded.indices).astype(np.int64), encoded.dictionary.to_pylist()


class PathCounts:
    """How often each path is populated, by group; sparse: what is never populated has no row."""

    def __init__(self) -> None:
        self._paths: dict[str, int] = {}
        self._parts: list[Integers] = []

    def add(self, paths: Sequence[str], counted: Integers) -> None:
        """Take rows of (group, index into `paths`, messages, elements)."""
        numbers = np.asarray([self._number(path) for path in paths], np.int64)
        rows = counted.copy()
        rows[:, 1] = numbers[counted[:, 1]]
        self._parts.append(rows)

    def add_message(self, paths: Mapping[str, int], group: int) -> None:
        """Take one message whose populated paths were counted by themselves."""
        rows = [(group, self._number(path), 1, elements) for path, elements in paths.items()]
        self._parts.append(np.asarray(rows, np.int64).reshape(-1, 4))

    def to_table(self, groups: pa.Table) -> pa.Table:
        """One row per group and path: its key, `path`, `messages`, `elements`."""
        summed = _summed(self._parts, ("group", "path", "messages", "elements"))
        paths = pa.array(list(self._paths), pa.string()).take(summed["path"].combine_chunks())
        keyed = groups.take(summed["group"]).append_column("path", paths)
        keyed = keyed.append_column("messages", summed["messages_sum"])
        return keyed.append_column("elements", summed["elements_sum"])

    def _number(self, path: str) -> int:
        return self._paths.setdefault(path, len(self._paths))


class FindingCounts:
    """Findings of every severity by group, rule and path."""

    def __init__(self, severities: Mapping[str, Severity]) -> None:
        self._severities = severities
        self._names: dict[tuple[str, str], int] = {}
        self._parts: list[Integers] = []

    def __len__(self) -> int:
        return len(self._parts)

    def add(self, names: Sequence[tuple[str, str]], counted: Integers) -> None:
        """Take rows of (group, index into `names` of (rule, path), findings, messages)."""
        numbers = np.asarray(
            [self._names.setdefault(name, len(self._names)) for name in names], np.int64
        )
        rows = counted.copy()
        rows[:, 1] = numbers[counted[:, 1]]
        self._parts.append(rows)

    def to_table(self, groups: pa.Table) -> pa.Table:
        """One row per group, rule and path: its key, severity, `findings`, `messages`."""
        summed = _summed(self._parts, ("group", "name", "findings", "messages"))
        names = list(self._names)
        at = summed["name"].to_pylist()
        severities = [self._severities.get(rule, Severity.ERROR).value for rule, _ in names]
        table = groups.take(summed["group"])
        columns = {
            "rule": pa.array([names[i][0] for i in at], pa.string()),
            "path": pa.array([names[i][1] for i in at], pa.string()),
            "severity": pa.array([severities[i] for i in at], pa.string()),
            "findings": summed["findings_sum"],
            "messages": summed["messages_sum"],
        }
        for name, values in columns.items():
            table = table.append_column(name, values)
        return table


def _summed(parts: Sequence[Integers], names: tuple[str, str, str, str]) -> pa.Table:
    rows = np.concatenate([*parts, np.empty((0, 4), np.int64)])
    columns = {name: integers(rows[:, index]) for index, name in enumerate(names)}
    first, second, *sums = names
    return pa.table(columns).group_by([first, second]).aggregate([(name, "sum") for name in sums])
