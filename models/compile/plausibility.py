"""Plausibility rules of the catalog as comparisons of columns: which two, in which tables.

What is compared is said in plausibility.csv; comparing is `etl.check.plausibility`'s business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from models.catalog.meta_fields import is_meta
from models.catalog.path_patterns import ValuePaths
from models.catalog.records import Catalog, Comparison, Plausibility
from models.tables.naming import enclosing_array
from models.tables.plan import Table, WarehousePlan


@dataclass(frozen=True, slots=True)
class Place:
    """The column of a path: a table's qualified name, the table's key columns, the column."""

    table: str
    key: tuple[str, ...]
    column: str


@dataclass(frozen=True, slots=True)
class PlausibilityCheck:
    """One comparison: violated where `left` relates to `right` so, and `when` is one of the values.

    `right` and `when` are in the table of `left` or in one whose key its own begins with. `path` is
    that of `left`.
    """

    rule: str
    path: str
    left: Place
    comparison: Comparison
    right: Place
    limit: float | None
    when: Place | None
    when_values: tuple[str, ...]

    def places(self) -> Iterator[Place]:
        """Where the values are that it compares."""
        yield self.left
        yield self.right
        if self.when is not None:
            yield self.when


def compile_plausibility(
    catalog: Catalog, plan: WarehousePlan, data_model: str
) -> tuple[PlausibilityCheck, ...]:
    """The comparisons for a data model, those of one rule and path one after the other."""
    places = dict(_places(catalog, plan, data_model))
    values = ValuePaths(catalog.fields[data_model])
    checks = [
        check
        for rule in catalog.plausibility
        if rule.data_model in ("*", data_model)
        for check in _checks(rule, values, places)
    ]
    return tuple(sorted(checks, key=lambda check: (check.rule, check.path)))


def _checks(
    rule: Plausibility, values: ValuePaths, places: dict[str, Place]
) -> Iterator[PlausibilityCheck]:
    wanted = (rule.path, rule.other_path, rule.when_path)
    for path, other, when in values.find(*wanted):
        if _is_within(path, other) and _is_within(path, when):
            yield PlausibilityCheck(
                rule=rule.rule,
                path=path,
                left=places[path],
                comparison=rule.comparison,
                right=places[other],
                limit=rule.limit,
                when=places[when] if when else None,
                when_values=rule.when_values,
            )


def _is_within(path: str, other: str) -> bool:
    """True if one row has at most one value of `other` for each value of `path`."""
    array = enclosing_array(other)
    return not array or path.startswith(f"{array}.")


def _places(catalog: Catalog, plan: WarehousePlan, data_model: str) -> Iterator[tuple[str, Place]]:
    for path, table in [*plan.models[data_model].items(), *plan.core.items()]:
        yield from _columns(table, is_core=is_meta(path) or table is plan.core[""])


def _columns(table: Table, *, is_core: bool) -> Iterator[tuple[str, Place]]:
    for column in table.columns:
        if is_meta(column.path) == is_core:
            yield column.path, Place(table.qualified_name, table.key, column.name)
