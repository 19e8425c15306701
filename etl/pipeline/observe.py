"""What is done with every populated leaf on its way to its column: coerced, checked, counted."""

from __future__ import annotations

from collections.abc import Mapping, Set

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from etl.check.temporal_columns import TimeExceptions, coerce_times
from etl.check.time_forms import TimeRule
from etl.check.value_sets import ValueSetChecker
from etl.flatten.walk import Grain
from etl.pipeline.side_rows import SideRows
from etl.pipeline.unsupported import unsupported_rows
from etl.population.counts import PopulationCounts
from models.compile.shapes import Node

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

TIME_IMPLAUSIBLE = "time_implausible"
NOT_SUPPORTED = "value_not_supported"
NOT_LISTED = "path_not_listed_for_event"
BOOLEAN_TEXTS = ("true", "false")


class BatchObserver:
    """Looks at one batch of one shape."""

    def __init__(
        self,
        *,
        message_ids: Integers,
        groups: Integers,
        checker: ValueSetChecker,
        counts: PopulationCounts,
        side: SideRows,
        own_forms: Set[tuple[int, str, tuple[int, ...]]],
        unlisted: Mapping[str, Mask],
        counted: Mask | None,
        nulled: Set[str] = frozenset(),
    ) -> None:
        self._ids = message_ids
        self._groups = groups
        self._checker = checker
        self._counts = counts
        self._side = side
        self._own_forms = own_forms
        self._unlisted = unlisted
        self._counted = counted
        self._nulled = nulled

    def populated(self, path: str, mask: Mask, grain: Grain) -> None:
        """Count a path; tell where its event type does not list it."""
        message = grain.message if grain.path else None
        counted = mask if self._counted is None else mask & self._counted[grain.message]
        self._counts.add_path(path, counted, message, self._groups)
        unlisted = self._unlisted.get(path)
        if unlisted is not None:
            rows = np.flatnonzero(mask & unlisted[grain.message])
            if len(rows):
                self._note_rows(NOT_LISTED, path, rows, grain)

    def leaf(self, node: Node, column: pa.Array, mask: Mask, grain: Grain) -> pa.Array:
        """Coerce a date or time; find values outside an enforced value set, null them if told to."""
        if node.temporal is not None and node.field is not None and pa.types.is_string(column.type):
            coerced = coerce_times(column, node.temporal)
            for group in coerced.exceptions:
                self._note_times(node.path, group, grain)
            return coerced.values
        if node.value_set and pa.types.is_string(column.type):
            violations = self._checker.find_violations(column, node.value_set)
            if violations and self._own_forms:
                violations = self._as_sent(node.path, column, violations, grain)
            if violations:
                return self._outside(node, column, violations, grain)
        return column

    def _note_rows(self, rule: str, path: str, rows: Integers, grain: Grain) -> None:
        message = grain.message[rows]
        self._side.add_many(
            rule,
            path,
            message_ids=self._ids[message],
            groups=self._groups[message],
            ordinals=ordinal_lists(grain, rows),
        )

    def _note_times(self, path: str, group: TimeExceptions, grain: Grain) -> None:
        for rule in group.rules:
            self._note_rows(rule.value, path, group.rows, grain)
        message_ids = self._ids[grain.message[group.rows]]
        if TimeRule.IMPOSSIBLE in group.rules:
            value = json_texts(group.received)
            ordinals = ordinal_lists(grain, group.rows)
            self._side.add_unplaced(group.rules[0].value, path, message_ids, ordinals, value)
            return
        changed = [rule.value for rule in group.rules if rule.value != TIME_IMPLAUSIBLE]
        if changed:
            self._keep_forms(changed[0], path, group, message_ids, grain)

    def _keep_forms(
        self, rule: str, path: str, group: TimeExceptions, message_ids: Integers, grain: Grain
    ) -> None:
        """Keep received texts, save where conforming has already kept what came before it."""
        own: list[bool] = []
        if self._own_forms:
            own = [self._has_own_form(path, row, grain) for row in group.rows.tolist()]
        rows, received = group.rows, group.received
        if any(own):
            keep = ~np.asarray(own)
            rows, message_ids, received = (
                rows[keep],
                message_ids[keep],
                received.filter(pa.array(keep)),
            )
        ordinals = ordinal_lists(grain, rows)
        self._side.add_forms(rule, path, message_ids, ordinals, json_texts(received))

    def _has_own_form(self, path: str, row: int, grain: Grain) -> bool:
        """Whether conforming changed the value of a row and has kept what came."""
        place = tuple(int(ordinal[row]) for ordinal in grain.ordinals)
        return (int(self._ids[grain.message[row]]), path, place) in self._own_forms

    def _as_sent(
        self, path: str, column: pa.Array, violations: list[tuple[int, str]], grain: Grain
    ) -> list[tuple[int, str]]:
        """Without those that only our own spelling of a converted boolean puts outside its set."""
        return [
            (row, suggestion)
            for row, suggestion in violations
            if column[row].as_py() not in BOOLEAN_TEXTS
            or suggestion.casefold() != column[row].as_py()
            or not self._has_own_form(path, row, grain)
        ]

    def _outside(
        self, node: Node, column: pa.Array, violations: list[tuple[int, str]], grain: Grain
    ) -> pa.Array:
        """Note values outside their set; gives the column, without them where policy says so."""
        rows = np.asarray([row for row, _ in violations], dtype=np.int64)
        suggestions = pa.array([suggestion for _, suggestion in violations], pa.string())
        message = grain.message[rows]
        message_ids, groups = self._ids[message], self._groups[message]
        ordinals, values = ordinal_lists(grain, rows), column.take(pa.array(rows))
        self._side.add_many(
            NOT_SUPPORTED,
            node.path,
            message_ids=message_ids,
            groups=groups,
            ordinals=ordinals,
            value_set=node.value_set,
            suggestions=suggestions,
        )
        outside = unsupported_rows(
            node.path,
            node.value_set,
            message_ids=message_ids,
            groups=groups,
            ordinals=ordinals,
            values=values,
            suggestions=suggestions,
        )
        self._side.add_unsupported(outside)
        if node.path not in self._nulled:
            return column
        self._side.add_unplaced(NOT_SUPPORTED, node.path, message_ids, ordinals, json_texts(values))
        keep = np.ones(len(column), dtype=np.bool_)
        keep[rows] = False
        return pc.if_else(pa.array(keep), column, None)


def ordinal_lists(grain: Grain, rows: Integers) -> pa.ListArray:
    """The ordinals of rows as INTEGER[], empty lists outside arrays."""
    depth = len(grain.ordinals)
    offsets = pa.array(np.arange(len(rows) + 1, dtype=np.int32) * depth)
    if depth == 0:
        return pa.ListArray.from_arrays(offsets, pa.array([], pa.int32()))
    stacked = np.stack([ordinal[rows] for ordinal in grain.ordinals], axis=1)
    return pa.ListArray.from_arrays(offsets, pa.array(stacked.ravel().astype(np.int32)))


def json_texts(texts: pa.Array) -> pa.Array:
    """Each text as the JSON string that holds it."""
    return pa.array([orjson.dumps(text).decode() for text in texts.to_pylist()], pa.string())
