"""The groups by which everything is counted: slice, day, source, facility, model, event, test."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Integers = npt.NDArray[np.int64]
SLICE_BITS = 18

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


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """What decides a message's group, one value per message of a batch.

    `day` is date32 without nulls; the texts may be null, which counts as "".
    """

    message_id: Integers
    day: pa.Array
    source_id: pa.Array
    facility_code: pa.Array
    event_type: pa.Array
    is_test: pa.Array


class Groups:
    """Numbers groups from 0 as they are met."""

    def __init__(self) -> None:
        self._numbers: dict[GroupKey, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def number(self, data_model: str, facts: MessageFacts) -> Integers:
        """The group number of each message."""
        texts = (facts.source_id, facts.facility_code, facts.event_type)
        encoded = [_encode(pc.fill_null(text, "")) for text in texts]
        slices = facts.message_id >> SLICE_BITS
        days = np.asarray(facts.day.cast(pa.int32())).astype(np.int64)
        tests = np.asarray(pc.fill_null(facts.is_test, False).cast(pa.int8())).astype(np.int64)
        rows = np.stack([slices, days, *(codes for codes, _ in encoded), tests], axis=1)
        distinct, inverse = np.unique(rows, axis=0, return_inverse=True)
        names = [values for _, values in encoded]
        numbers = [self._number_of(data_model, row, names) for row in distinct.tolist()]
        return np.asarray(numbers, dtype=np.int64)[inverse.ravel()]

    def _number_of(self, data_model: str, row: list[int], names: list[list[str]]) -> int:
        source, facility, event = (
            values[code] for values, code in zip(names, row[2:5], strict=True)
        )
        day = date.fromordinal(_EPOCH_ORDINAL + row[1])
        key = (row[0], day, source, facility, data_model, event, bool(row[5]))
        return self._numbers.setdefault(key, len(self._numbers))

    def key(self, number: int) -> GroupKey:
        """The key of one group."""
        return list(self._numbers)[number]

    def to_table(self) -> pa.Table:
        """One row per group, in the order of the numbers."""
        columns = list(zip(*self._numbers, strict=True)) or [()] * len(GROUP_SCHEMA)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, GROUP_SCHEMA, strict=True)]
        return pa.Table.from_arrays(arrays, schema=GROUP_SCHEMA)


_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


def _encode(texts: pa.Array) -> tuple[Integers, list[str]]:
    encoded = pc.dictionary_encode(texts)
    return np.asarray(encoded.indices).astype(np.int64), encoded.dictionary.to_pylist()
