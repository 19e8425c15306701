"""Where messages speak of patients and visits, by the catalog: each place with its tables and columns.

A place is an object `Patient`, an array `Patients[]` or the like with identifiers, or an object or
array of visits with a number. `PotentialMatches[]` are candidates of a search, not evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from models.catalog.records import Catalog, JsonType
from models.tables.naming import enclosing_array, last_key
from models.tables.plan import Table, WarehousePlan

PATIENT_KEYS = ("Patient", "Patients")
VISIT_KEYS = ("Visit", "Visits")
HEADERS = ("Header", "Header.Document")
IDENTIFIERS = "Identifiers[]"
PREVIOUS_IDENTIFIERS = "PreviousIdentifiers[]"
VISIT_NUMBER = "VisitNumber"


@dataclass(frozen=True, slots=True)
class Mention:
    """One place of a data model: `path` in Redox notation, `table` holds its own columns."""

    data_model: str
    schema: str
    path: str
    table: Table
    tables: Mapping[str, Table]

    def column(self, below: str) -> str:
        """The column of a leaf below the place, "" where the catalog lists none."""
        wanted = f"{self.path}.{below}"
        return next((c.name for c in self.table.columns if c.path == wanted), "")

    def array(self, below: str) -> Table | None:
        """The table of an array directly below the place."""
        return self.tables.get(f"{self.path}.{below}")

    def position(self, alias: str) -> str:
        """SQL text of the place with the positions of its arrays: `Visits[2].Patient`."""
        parts = self.path.split("[]")
        if len(parts) == 1:
            return f"'{self.path}'"
        pieces = [f"'{parts[0]}['"]
        last = len(parts) - 1
        for number, part in enumerate(parts[1:], start=1):
            pieces.append(f"{alias}.{self.table.ordinals[number - 1]}")
            pieces.append(f"']{part}'" if number == last else f"']{part}['")
        return f"concat({', '.join(pieces)})"


def patient_place(place: Mention, alias: str) -> str:
    """SQL text of the place of the patient that something at this place is about.

    The nearest around it: an element of `Patients[]`, the `Patient` of an enclosing array, else the
    message's own.
    """
    return _owner(place, alias, PATIENT_KEYS, lambda path: f"{path}.{IDENTIFIERS}" in place.tables)


def patient_root(place: Mention) -> str:
    """SQL text of the place of the message's own patient, where no nearer one is named."""
    return _root(PATIENT_KEYS[0], lambda path: f"{path}.{IDENTIFIERS}" in place.tables)


def visit_place(place: Mention, alias: str) -> str:
    """SQL text of the place of the visit that something at this place belongs to."""
    return _owner(place, alias, VISIT_KEYS, _has_number(place))


def visit_root(place: Mention) -> str:
    """SQL text of the place of the message's own visit, where no nearer one is named."""
    return _root(VISIT_KEYS[0], _has_number(place))


def _has_number(place: Mention) -> Callable[[str], bool]:
    paths = {column.path for table in place.tables.values() for column in table.columns}
    return lambda path: f"{path}.{VISIT_NUMBER}" in paths


def _owner(
    place: Mention, alias: str, keys: tuple[str, ...], is_named: Callable[[str], bool]
) -> str:
    single = keys[0]
    around = place.path
    while around:
        if last_key(around) in keys and is_named(around):
            return replace(place, path=around).position(alias)
        if is_named(f"{around}.{single}"):
            return replace(place, path=f"{around}.{single}").position(alias)
        around = around.rpartition(".")[0]
    return _root(single, is_named)


def _root(single: str, is_named: Callable[[str], bool]) -> str:
    """The place of a message's own patient or visit: in its header where it can have one."""
    own = (f"{header}.{single}" for header in HEADERS)
    return next((f"'{path}'" for path in own if is_named(path)), f"'{single}'")


def patient_mentions(catalog: Catalog, plan: WarehousePlan) -> Iterator[Mention]:
    """Every place that names a patient by identifiers, message level first."""
    return _mentions(catalog, plan, PATIENT_KEYS, IDENTIFIERS)


def visit_mentions(catalog: Catalog, plan: WarehousePlan) -> Iterator[Mention]:
    """Every place that names a visit by its number."""
    return _mentions(catalog, plan, VISIT_KEYS, VISIT_NUMBER)


def _mentions(
    catalog: Catalog, plan: WarehousePlan, keys: tuple[str, ...], marker: str
) -> Iterator[Mention]:
    for name, model in sorted(catalog.data_models.items(), key=lambda item: item[1].schema):
        tables = plan.models[name]
        listed = {field.path for field in catalog.fields[name]}
        for path in sorted({f.path for f in catalog.fields[name] if _can_hold(f.json_type)}):
            if last_key(path) in keys and f"{path}.{marker}" in listed:
                table = tables[path if path.endswith("[]") else enclosing_array(path)]
                yield Mention(name, model.schema, path, table, tables)


def _can_hold(kind: JsonType) -> bool:
    return kind in (JsonType.OBJECT, JsonType.ARRAY)
