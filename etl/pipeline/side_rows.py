"""Gathers rows of the tables beside the typed ones: findings, forms, unplaced values, extensions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from etl.conform.conformer import PutAside
from etl.pipeline.staging import Staging
from etl.pipeline.unsupported import first_of_each
from etl.population.groups import Groups
from etl.records import Finding
from models.catalog.records import Rule, Severity

Integers = npt.NDArray[np.int64]
_ORDINALS = pa.list_(pa.int32())

_PLACE = [("message_id", pa.int64()), ("path", pa.string()), ("ordinals", _ORDINALS)]
UNPLACED_SCHEMA = pa.schema([*_PLACE, ("reason", pa.string()), ("value", pa.string())])
FORM_SCHEMA = pa.schema([*_PLACE, ("rule", pa.string()), ("received", pa.string())])
EXTENSION_SCHEMA = pa.schema(
    [
        ("message_id", pa.int64()),
        ("owner_path", pa.string()),
        ("ordinals", _ORDINALS),
        ("slug", pa.string()),
        ("value_type", pa.string()),
        ("json_type", pa.string()),
        ("url", pa.string()),
        ("value", pa.string()),
    ]
)
FINDING_SCHEMA = pa.schema(
    [
        *_PLACE,
        ("rule", pa.string()),
        ("severity", pa.string()),
        ("value_set", pa.string()),
        ("suggestion", pa.string()),
        ("group", pa.int64()),
    ]
)


class SideRows:
    """One per share of work; `finish` stages everything gathered."""

    def __init__(self, groups: Groups, rules: dict[str, Rule]) -> None:
        self._groups = groups
        self._severity = {code: rule.severity for code, rule in rules.items()}
        self._unplaced: list[pa.Table] = []
        self._forms: list[pa.Table] = []
        self._extensions: list[tuple[Any, ...]] = []
        self._findings: list[pa.Table] = []
        self._unsupported: list[pa.Table] = []
        self._counts: Counter[tuple[int, str, str]] = Counter()
        self._messages: Counter[tuple[int, str, str]] = Counter()

    def add_put_aside(self, message_id: int, group: int, aside: PutAside) -> None:
        """Take what conforming one message put aside."""
        unplaced = [
            (message_id, u.path, list(u.ordinals), u.reason, u.value) for u in aside.unplaced
        ]
        forms = [(message_id, f.path, list(f.ordinals), f.rule, f.received) for f in aside.forms]
        if unplaced:
            self._unplaced.append(_table(unplaced, UNPLACED_SCHEMA))
        if forms:
            self._forms.append(_table(forms, FORM_SCHEMA))
        self._extensions += [
            (
                message_id,
                e.owner_path,
                list(e.ordinals),
                e.slug,
                e.value_type,
                e.json_type,
                e.url,
                e.value,
            )
            for e in aside.extensions
        ]
        self.add_findings(message_id, group, aside.findings)

    def add_findings(self, message_id: int, group: int, findings: Sequence[Finding]) -> None:
        """Take the findings of one message."""
        rows = []
        for finding in findings:
            self._counts[group, finding.rule, finding.path] += 1
            severity = self._severity.get(finding.rule, Severity.ERROR)
            if severity is not Severity.INFO:
                rows.append(
                    (
                        message_id,
                        finding.path,
                        list(finding.ordinals),
                        finding.rule,
                        severity.value,
                        finding.value_set,
                        finding.suggestion,
                        group,
                    )
                )
        for rule, path in {(finding.rule, finding.path) for finding in findings}:
            self._messages[group, rule, path] += 1
        if rows:
            self._findings.append(_table(rows, FINDING_SCHEMA))

    def add_many(
        self,
        rule: str,
        path: str,
        *,
        message_ids: Integers,
        groups: Integers,
        ordinals: pa.ListArray,
        value_set: str = "",
        suggestions: pa.Array | None = None,
    ) -> None:
        """Take findings of one rule and path in many messages; message_ids are ascending."""
        for group, count in zip(*np.unique(groups, return_counts=True), strict=True):
            self._counts[int(group), rule, path] += int(count)
        _, first = np.unique(message_ids, return_index=True)
        for group, count in zip(*np.unique(groups[first], return_counts=True), strict=True):
            self._messages[int(group), rule, path] += int(count)
        severity = self._severity.get(rule, Severity.ERROR)
        if severity is Severity.INFO:
            return
        count = len(message_ids)
        self._findings.append(
            pa.Table.from_arrays(
                [
                    pa.array(message_ids),
                    _same(path, count),
                    ordinals,
                    _same(rule, count),
                    _same(severity.value, count),
                    _same(value_set, count),
                    _same("", count) if suggestions is None else suggestions,
                    pa.array(groups),
                ],
                schema=FINDING_SCHEMA,
            )
        )

    def add_unsupported(self, unsupported: pa.Table) -> None:
        """Take values outside their set, rows of UNSUPPORTED_SCHEMA."""
        self._unsupported.append(unsupported)

    def add_forms(
        self,
        rule: str,
        path: str,
        message_ids: Integers,
        ordinals: pa.ListArray,
        received: pa.Array,
    ) -> None:
        """Take received forms of one rule and path; `received` is JSON text."""
        count = len(message_ids)
        arrays = [pa.array(message_ids), _same(path, count), ordinals, _same(rule, count), received]
        self._forms.append(pa.Table.from_arrays(arrays, schema=FORM_SCHEMA))

    def add_unplaced(
        self, reason: str, path: str, message_ids: Integers, ordinals: pa.ListArray, value: pa.Array
    ) -> None:
        """Take unplaced values of one reason and path; `value` is JSON text."""
        count = len(message_ids)
        arrays = [pa.array(message_ids), _same(path, count), ordinals, _same(reason, count), value]
        self._unplaced.append(pa.Table.from_arrays(arrays, schema=UNPLACED_SCHEMA))

    def stage(self, staging: Staging) -> None:
        """Stage all rows gathered."""
        for name, parts in (
            ("core.unplaced_value", self._unplaced),
            ("core.received_form", self._forms),
        ):
            if parts:
                staging.add(name, pa.concat_tables(parts))
        staging.add("core.extension", _table(self._extensions, EXTENSION_SCHEMA))
        groups = self._groups.to_table()
        if self._findings:
            staging.add("quality.finding", _with_group(pa.concat_tables(self._findings), groups))
        if self._unsupported:
            unsupported = first_of_each(pa.concat_tables(self._unsupported), groups)
            staging.add("quality.unsupported_value", unsupported)
        if self._counts:
            staging.add("quality.finding_count", self._finding_counts(groups))

    def _finding_counts(self, groups: pa.Table) -> pa.Table:
        keys = list(self._counts)
        numbers, rules, paths = (list(column) for column in zip(*keys, strict=True))
        table = groups.take(pa.array(numbers))
        severities = [self._severity.get(rule, Severity.ERROR).value for rule in rules]
        columns: dict[str, list[Any]] = {
            "rule": rules,
            "path": paths,
            "severity": severities,
            "findings": [self._counts[key] for key in keys],
            "messages": [self._messages[key] for key in keys],
        }
        for name, values in columns.items():
            table = table.append_column(name, pa.array(values))
        return table


def _with_group(findings: pa.Table, groups: pa.Table) -> pa.Table:
    """Findings with the columns of their group that a finding carries."""
    keys = groups.take(findings["group"])
    table = findings.drop_columns(["group"])
    for name in ("data_model", "event_type", "source_id", "day"):
        table = table.append_column(name, keys[name])
    return table


def _same(text: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text, pa.string()), count)


def _table(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    arrays = [pa.array(list(c), f.type) for c, f in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
