"""What a unit's messages hold beside their typed tables: findings, forms, unplaced values, extensions.

Everything carries the message's number in its unit; ids and groups come when the unit is settled.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from etl.conform.conformer import PutAside
from etl.kernel.columns import ORDINALS, integers, same
from etl.records import Finding
from models.catalog.records import Severity

Numbers = npt.NDArray[np.int32]

MESSAGE_NO = "message_no"
_PLACE = [(MESSAGE_NO, pa.int32()), ("path", pa.string()), ("ordinals", ORDINALS)]
UNPLACED = pa.schema([*_PLACE, ("reason", pa.string()), ("value", pa.string())])
FORM = pa.schema([*_PLACE, ("rule", pa.string()), ("received", pa.string())])
EXTENSION = pa.schema(
    [
        (MESSAGE_NO, pa.int32()),
        ("owner_path", pa.string()),
        ("ordinals", ORDINALS),
        ("slug", pa.string()),
        ("value_type", pa.string()),
        ("json_type", pa.string()),
        ("url", pa.string()),
        ("value", pa.string()),
    ]
)
FINDING = pa.schema(
    [
        *_PLACE,
        ("rule", pa.string()),
        ("severity", pa.string()),
        ("value_set", pa.string()),
        ("suggestion", pa.string()),
    ]
)
UNSUPPORTED = pa.schema(
    [
        *_PLACE,
        ("value", pa.string()),
        ("value_set", pa.string()),
        ("suggestion", pa.string()),
    ]
)
TABLES = {
    "core.unplaced_value": UNPLACED,
    "core.received_form": FORM,
    "core.extension": EXTENSION,
    "quality.finding": FINDING,
    "quality.unsupported_value": UNSUPPORTED,
}


@dataclass(frozen=True, slots=True)
class SideTables:
    """Rows by table name (schemas of TABLES), and every finding for counting: `rule_paths` names
    what `found_rule_path` numbers, one entry a finding, of the message `found_message`."""

    rows: Mapping[str, pa.Table]
    rule_paths: tuple[tuple[str, str], ...]
    found_rule_path: Numbers
    found_message: Numbers


class Side:
    """Gathers what is beside the typed tables of one unit."""

    def __init__(self, severities: Mapping[str, Severity]) -> None:
        self._severities = severities
        self._rule_paths: dict[tuple[str, str], int] = {}
        self._found: list[tuple[Numbers, Numbers]] = []
        self._found_singly: list[tuple[int, int]] = []
        self._tables: dict[str, list[pa.Table]] = {name: [] for name in TABLES}
        self._rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in TABLES}

    def has_rows(self, rule: str) -> bool:
        """True where findings of a rule are rows, not only counted."""
        return self.severity(rule) is not Severity.INFO

    def severity(self, rule: str) -> Severity:
        """How severe a rule is; one that nobody lists is an error."""
        return self._severities.get(rule, Severity.ERROR)

    def add_aside(self, message: int, aside: PutAside) -> None:
        """Take what conforming one message kept beside."""
        for value in aside.unplaced:
            row = (message, value.path, list(value.ordinals), value.reason, value.value)
            self._rows["core.unplaced_value"].append(row)
        for form in aside.forms:
            row = (message, form.path, list(form.ordinals), form.rule, form.received)
            self._rows["core.received_form"].append(row)
        for e in aside.extensions:
            names = (e.owner_path, list(e.ordinals), e.slug, e.value_type, e.json_type)
            self._rows["core.extension"].append((message, *names, e.url, e.value))
        self.add_findings(message, aside.findings)

    def add_findings(self, message: int, findings: Sequence[Finding]) -> None:
        """Take the findings of one message."""
        for finding in findings:
            self._found_singly.append((self._number(finding.rule, finding.path), message))
            severity = self.severity(finding.rule)
            if severity is not Severity.INFO:
                place = (message, finding.path, list(finding.ordinals))
                rule = (finding.rule, severity.value, finding.value_set, finding.suggestion)
                self._rows["quality.finding"].append((*place, *rule))

    def add_many(
        self,
        rule: str,
        path: str,
        *,
        messages: Numbers,
        ordinals: pa.ListArray | None,
        value_set: str = "",
        suggestions: pa.Array | None = None,
    ) -> None:
        """Take findings of one rule and path; `ordinals` may be None where `has_rows` says no."""
        count = len(messages)
        number = np.full(count, self._number(rule, path), np.int32)
        self._found.append((number, messages))
        if not self.has_rows(rule) or ordinals is None:
            return
        self._add(
            "quality.finding",
            [
                integers(messages),
                same(path, count),
                ordinals,
                same(rule, count),
                same(self.severity(rule).value, count),
                same(value_set, count),
                same("", count) if suggestions is None else suggestions,
            ],
        )

    def add_unsupported(
        self,
        path: str,
        value_set: str,
        *,
        messages: Numbers,
        ordinals: pa.ListArray,
        values: pa.Array,
        suggestions: pa.Array,
    ) -> None:
        """Take values outside the set of one path."""
        count = len(messages)
        place = [integers(messages), same(path, count), ordinals]
        self._add(
            "quality.unsupported_value", [*place, values, same(value_set, count), suggestions]
        )

    def add_forms(
        self, rule: str, path: str, messages: Numbers, ordinals: pa.ListArray, received: pa.Array
    ) -> None:
        """Take received forms of one rule and path; `received` is JSON text."""
        count = len(messages)
        place = [integers(messages), same(path, count), ordinals]
        self._add("core.received_form", [*place, same(rule, count), received])

    def add_unplaced(
        self, reason: str, path: str, messages: Numbers, ordinals: pa.ListArray, value: pa.Array
    ) -> None:
        """Take unplaced values of one reason and path; `value` is JSON text."""
        count = len(messages)
        place = [integers(messages), same(path, count), ordinals]
        self._add("core.unplaced_value", [*place, same(reason, count), value])

    def finish(self) -> SideTables:
        """All rows gathered; tables without rows are left out."""
        rows = {}
        for name, schema in TABLES.items():
            parts = self._tables[name]
            if self._rows[name]:
                parts = [*parts, _table(self._rows[name], schema)]
            if parts:
                rows[name] = pa.concat_tables(parts)
        singly = np.asarray(self._found_singly, np.int32).reshape(-1, 2)
        return SideTables(
            rows,
            tuple(self._rule_paths),
            np.concatenate([*(number for number, _ in self._found), singly[:, 0]]),
            np.concatenate([*(message for _, message in self._found), singly[:, 1]]),
        )

    def _add(self, name: str, arrays: list[pa.Array]) -> None:
        self._tables[name].append(pa.Table.from_arrays(arrays, schema=TABLES[name]))

    def _number(self, rule: str, path: str) -> int:
        return self._rule_paths.setdefault((rule, path), len(self._rule_paths))


def _table(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True)
    arrays = [pa.array(list(c), f.type) for c, f in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)
