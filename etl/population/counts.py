"""Counts per group and path: messages and elements in which the path is populated."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from etl.population.groups import Groups

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class PopulationCounts:
    """Collects counts of many batches; sparse, so what is never populated has no row."""

    def __init__(self, groups: Groups) -> None:
        self._groups = groups
        self._paths: dict[str, int] = {}
        self._parts: list[tuple[Integers, ...]] = []
        self._messages: list[Integers] = []

    def add_messages(self, group_of_message: Integers) -> None:
        """Count the messages of a batch."""
        self._messages.append(group_of_message)

    def add_path(
        self, path: str, mask: Mask, message: Integers | None, group_of_message: Integers
    ) -> None:
        """Count one path: `mask` over its rows; `message` the rows' messages, None for one each."""
        number = self._paths.setdefault(path, len(self._paths))
        at = np.flatnonzero(mask) if message is None else message[mask]
        elements = np.bincount(group_of_message[at])
        groups = np.flatnonzero(elements)
        messages = elements if message is None else np.bincount(group_of_message[_distinct(at)])
        path_column = np.full(len(groups), number, dtype=np.int64)
        self._parts.append((groups, path_column, messages[groups], elements[groups]))

    def add_message_paths(self, paths: Mapping[str, int], group: int) -> None:
        """Count one message whose populated paths were counted by themselves."""
        numbers = [self._paths.setdefault(path, len(self._paths)) for path in paths]
        groups = np.full(len(numbers), group, dtype=np.int64)
        elements = np.asarray(list(paths.values()), dtype=np.int64)
        path_column = np.asarray(numbers, dtype=np.int64)
        self._parts.append((groups, path_column, np.ones_like(groups), elements))

    def message_counts(self) -> pa.Table:
        """One row per group: its key and `messages`."""
        counts = np.zeros(len(self._groups), dtype=np.int64)
        for groups in self._messages:
            counts += np.bincount(groups, minlength=len(counts))
        table = self._groups.to_table().append_column("messages", pa.array(counts))
        return table.filter(pa.array(counts > 0))

    def path_counts(self) -> pa.Table:
        """One row per group and path: its key, `path`, `messages`, `elements`."""
        names = ("group", "path", "messages", "elements")
        columns = [
            np.concatenate([part[i] for part in self._parts] or [np.empty(0, dtype=np.int64)])
            for i in range(len(names))
        ]
        summed = (
            pa.table(dict(zip(names, columns, strict=True)))
            .group_by(["group", "path"])
            .aggregate([("messages", "sum"), ("elements", "sum")])
        )
        keyed = self._groups.to_table().take(summed["group"])
        paths = pa.array(list(self._paths), pa.string()).take(summed["path"].combine_chunks())
        keyed = keyed.append_column("path", paths)
        keyed = keyed.append_column("messages", summed["messages_sum"])
        return keyed.append_column("elements", summed["elements_sum"])


def _distinct(ascending: Integers) -> Integers:
    """The distinct values of an ascending array."""
    if len(ascending) == 0:
        return ascending
    first = np.empty(len(ascending), dtype=np.bool_)
    first[0] = True
    np.not_equal(ascending[1:], ascending[:-1], out=first[1:])
    return ascending[first]
