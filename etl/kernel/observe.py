"""What is done with every populated leaf on its way to its column: coerced and checked."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from etl.check.temporal_columns import TimeExceptions, coerce_times
from etl.check.time_forms import TimeRule
from etl.check.value_sets import ValueSetChecker
from etl.kernel.columns import json_texts, ordinal_lists
from etl.kernel.side import Numbers, Side
from models.catalog.records import Temporal
from models.compile.shapes import Node

Integers = npt.NDArray[np.int64]
Place = tuple[int, str, tuple[int, ...]]

TIME_IMPLAUSIBLE = "time_implausible"
NOT_SUPPORTED = "value_not_supported"
NOT_SUPPORTED_BY_ANALOGY = "value_not_supported_by_analogy"
BOOLEAN_TEXTS = ("true", "false")


@dataclass(frozen=True, slots=True)
class Grain:
    """The rows of one array (or of the messages): the message of each, and its ordinals, one int32
    array per enclosing array, outermost first."""

    message: Numbers
    ordinals: tuple[Numbers, ...]


class LeafChecks:
    """Checks the leaves of one batch.

    `own_forms` are places whose received form was kept when their message was conformed; `nulled`
    are fields whose unsupported values are not stored.
    """

    def __init__(
        self, checker: ValueSetChecker, side: Side, own_forms: Set[Place], nulled: Set[str]
    ) -> None:
        self._checker = checker
        self._side = side
        self._own_forms = own_forms
        self._nulled = nulled

    def check(self, node: Node, column: pa.Array, grain: Grain) -> pa.Array:
        """The column to store: times coerced, unsupported values found, nulled by the site's policy."""
        if not pa.types.is_string(column.type):
            return column
        if node.temporal is not None:
            return self._times(node.path, node.temporal, column, grain)
        if node.value_set:
            return self._values(node, column, grain)
        return column

    def _times(self, path: str, temporal: Temporal, column: pa.Array, grain: Grain) -> pa.Array:
        coerced = coerce_times(column, temporal)
        for group in coerced.exceptions:
            self._note_times(path, group, grain)
        return coerced.values

    def _note_times(self, path: str, group: TimeExceptions, grain: Grain) -> None:
        messages = grain.message[group.rows]
        for rule in group.rules:
            ordinals = None
            if self._side.has_rows(rule.value):
                ordinals = ordinal_lists(grain.ordinals, group.rows)
            self._side.add_many(rule.value, path, messages=messages, ordinals=ordinals)
        if TimeRule.IMPOSSIBLE in group.rules:
            value = json_texts(group.received)
            ordinals = ordinal_lists(grain.ordinals, group.rows)
            self._side.add_unplaced(group.rules[0].value, path, messages, ordinals, value)
            return
        changed = [rule.value for rule in group.rules if rule.value != TIME_IMPLAUSIBLE]
        if changed:
            self._keep_forms(changed[0], path, group, grain)

    def _keep_forms(self, rule: str, path: str, group: TimeExceptions, grain: Grain) -> None:
        """Keep received texts, except where conforming has already kept what came before it."""
        rows, received = group.rows, group.received
        if self._own_forms:
            keep = ~np.asarray([self._has_own_form(path, row, grain) for row in rows.tolist()])
            if not keep.all():
                rows, received = rows[keep], received.filter(pa.array(keep))
        ordinals = ordinal_lists(grain.ordinals, rows)
        self._side.add_forms(rule, path, grain.message[rows], ordinals, json_texts(received))

    def _has_own_form(self, path: str, row: int, grain: Grain) -> bool:
        """True where conforming changed the value of a row and has kept what came."""
        place = tuple(int(ordinal[row]) for ordinal in grain.ordinals)
        return (int(grain.message[row]), path, place) in self._own_forms

    def _values(self, node: Node, column: pa.Array, grain: Grain) -> pa.Array:
        violations = self._checker.find_violations(column, node.value_set)
        if violations and self._own_forms:
            violations = self._as_sent(node.path, column, violations, grain)
        return self._outside(node, column, violations, grain) if violations else column

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
        messages = grain.message[rows]
        ordinals, values = ordinal_lists(grain.ordinals, rows), column.take(pa.array(rows))
        rule = NOT_SUPPORTED if node.is_value_set_certain else NOT_SUPPORTED_BY_ANALOGY
        self._side.add_many(
            rule,
            node.path,
            messages=messages,
            ordinals=ordinals,
            value_set=node.value_set,
            suggestions=suggestions,
        )
        self._side.add_unsupported(
            node.path,
            node.value_set,
            messages=messages,
            ordinals=ordinals,
            values=values,
            suggestions=suggestions,
        )
        if node.path not in self._nulled:
            return column
        self._side.add_unplaced(rule, node.path, messages, ordinals, json_texts(values))
        keep = np.ones(len(column), dtype=np.bool_)
        keep[rows] = False
        return pc.if_else(pa.array(keep), column, None)
