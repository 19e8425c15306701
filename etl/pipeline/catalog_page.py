"""Makes the catalog page of a version: what its tables mean, how often their columns are filled.

Everything is known when the version's files are written; only how often fields are filled is asked
of two of them, and the columns of views of the version's database. What a mart means is in its
header, what a column of a data model means in the catalog.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from etl.duckdb_files import connected
from etl.marts.checks import MART_SCHEMA, target_key
from etl.marts.header import read_header
from etl.publish.folders import VIEWS_FILE
from etl.publish.manifest import TableFiles
from etl.publish.parquet import FILE_MODE
from etl.publish.relations import Relation
from etl.publish.views import AnalystView, ReaderCatalog
from etl.report.catalog_page import (
    CatalogFacts,
    PageColumn,
    PageGroup,
    PageTable,
    render_catalog_page,
)
from etl.report.views import read_views
from etl.sql_text import literal_path, quote
from models.catalog import Catalog
from models.catalog.records import Rating
from models.tables.naming import enclosing_array
from models.tables.plan import Column, Table, WarehousePlan

CATALOG_PAGE = "catalog.html"
SHARED = (
    PageGroup(MART_SCHEMA, "The current state", is_model=False),
    PageGroup("tuva", "Marts in the form of Tuva's input layer", is_model=False),
    PageGroup("core", "What all messages have in common; the ledger", is_model=False),
    PageGroup("quality", "Findings, counts, ratings, verdicts, drift", is_model=False),
    PageGroup("evidence", "Content of messages across all data models", is_model=False),
)
_FILLED = """
with total as (
  select data_model, sum(messages) as messages
  from read_parquet({messages})
  where not coalesce(is_test, false)
  group by data_model
)
select path.data_model, path.path, sum(path.messages) / any_value(total.messages)
from read_parquet({paths}) as path
inner join total
  on total.data_model = path.data_model
where not coalesce(path.is_test, false) and total.messages > 0
group by path.data_model, path.path
"""
Filled = Mapping[tuple[str, str], float]


def write_catalog_page(
    folder: Path,
    reader: ReaderCatalog,
    files: Mapping[str, TableFiles],
    known: tuple[Catalog, WarehousePlan],
    *,
    version: int,
    made_at: datetime,
) -> None:
    """Write the page into the folder of a version that is being built."""
    catalog, plan = known
    filled = _read_filled(folder, files)
    columns = _read_view_columns(folder / VIEWS_FILE, [view.name for view in reader.views])
    page = _Page(reader, files, catalog, plan, filled, columns)
    facts = CatalogFacts(version, made_at, tuple(page.groups()), tuple(page.tables()))
    path = folder / CATALOG_PAGE
    path.write_bytes(render_catalog_page(facts))
    path.chmod(FILE_MODE)


def _read_filled(folder: Path, files: Mapping[str, TableFiles]) -> Filled:
    """The share of a data model's messages that populate a path."""
    if not {"quality.path_count", "quality.message_count"} <= files.keys():
        return {}
    query = _FILLED.format(
        messages=_listing(folder, "quality.message_count", files),
        paths=_listing(folder, "quality.path_count", files),
    )
    with connected(spill=None) as connection:
        rows = connection.execute(query).fetchall()
    return {(model, path): float(share) for model, path, share in rows}


def _read_view_columns(path: Path, views: list[str]) -> dict[str, list[tuple[str, str]]]:
    """Names and types of the columns of views that are not stored."""
    query = (
        "select schema_name || '.' || table_name as name, column_name, data_type "
        "from duckdb_columns() where not internal and name in (select unnest(?)) "
        "order by name, column_index"
    )
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    with connected(path, spill=None) as connection:
        for name, column, kind in connection.execute(query, [views]).fetchall():
            found[name].append((column, kind))
    return found


def _listing(folder: Path, name: str, files: Mapping[str, TableFiles]) -> str:
    place = folder.joinpath(*name.split("."))
    parts = [place / part.file_name for part in files[name].parts if part.has_file]
    return f"[{', '.join(quote(literal_path(str(path))) for path in parts)}]"


class _Page:
    def __init__(
        self,
        reader: ReaderCatalog,
        files: Mapping[str, TableFiles],
        catalog: Catalog,
        plan: WarehousePlan,
        filled: Filled,
        columns: Mapping[str, Sequence[tuple[str, str]]],
    ) -> None:
        self._reader, self._files, self._catalog, self._filled = reader, files, catalog, filled
        self._columns = columns
        self._models = {
            name: {t.qualified_name: t for t in tables.values() if t.qualified_name in files}
            for name, tables in sorted(plan.models.items())
        }
        self._ratings = _ratings(catalog)
        self._refers = _references()

    def groups(self) -> Iterator[PageGroup]:
        yield from SHARED
        for name, tables in self._models.items():
            if tables:
                model = self._catalog.data_models[name]
                yield PageGroup(name, model.description, is_model=True)

    def tables(self) -> Iterator[PageTable]:
        views = {view.name: view for view in self._reader.views}
        for group in SHARED:
            for name in sorted({*self._reader.tables, *views}):
                if name.partition(".")[0] != group.name:
                    continue
                if name in self._reader.tables:
                    yield self._stored(self._reader.tables[name], group.name)
                else:
                    yield _view(views[name], group.name, self._columns.get(name, ()))
        for model, tables in self._models.items():
            for name in sorted(tables, key=lambda one: tables[one].path):
                yield self._of_model(model, tables[name], self._reader.tables[name])

    def _stored(self, relation: Relation, group: str) -> PageTable:
        """A mart or table that all data models share, as its comments describe it."""
        name = relation.qualified_name
        return PageTable(
            name,
            group,
            relation.comment,
            tuple(
                PageColumn(column.name, column.sql_type, column.comment)
                for column in relation.as_published().columns
            ),
            rows=self._files[name].rows,
            key=self._files[name].key,
            refers=self._refers.get(name, ()),
        )

    def _of_model(self, model: str, table: Table, relation: Relation) -> PageTable:
        planned = {column.name: column for column in table.columns}
        below = f"{table.path}." if table.path else ""
        return PageTable(
            table.qualified_name,
            model,
            "",
            tuple(
                self._column(model, one.name, one.sql_type, one.comment, planned, below)
                for one in relation.as_published().columns
            ),
            rows=self._files[table.qualified_name].rows,
            key=table.key,
            path=table.path,
            parent=self._parent(model, table),
        )

    def _column(
        self,
        model: str,
        name: str,
        kind: str,
        comment: str,
        planned: Mapping[str, Column],
        below: str,
    ) -> PageColumn:
        column = planned.get(name)
        if column is None:
            return PageColumn(name, kind, comment)
        field, path = column.field, column.path
        return PageColumn(
            name,
            kind,
            path.removeprefix(below),
            value_set=field.value_set,
            sensitivity=field.sensitivity,
            rating=self._ratings.get((model, path), ""),
            filled=self._filled.get((model, path), 0.0),
        )

    def _parent(self, model: str, table: Table) -> str:
        """The nearest table around that is published."""
        by_path = {one.path: name for name, one in self._models[model].items()}
        path = table.path
        while path:
            path = enclosing_array(path)
            if path in by_path:
                return by_path[path]
        return ""


def _references() -> dict[str, tuple[tuple[str, str, str], ...]]:
    """What each mart refers to, by its header: column, mart, the mart's column."""
    headers = {view.name: read_header(view.select) for view in read_views(MART_SCHEMA)}
    return {
        name: tuple((column, target, target_key(target)) for column, target in header.refers)
        for name, header in headers.items()
    }


def _view(view: AnalystView, group: str, columns: Sequence[tuple[str, str]]) -> PageTable:
    described = tuple(PageColumn(name, kind, view.columns.get(name, "")) for name, kind in columns)
    key = tuple(name for name in view.key if any(name == column for column, _ in columns))
    return PageTable(view.name, group, view.comment, described, key=key)


def _ratings(catalog: Catalog) -> dict[tuple[str, str], str]:
    """The documented ratings of a path, the best first, where it differs by event type all."""
    order = list(Rating)
    found: dict[tuple[str, str], set[Rating]] = defaultdict(set)
    for one in catalog.expectations:
        if one.rating is not None and not one.source_id:
            found[(one.data_model, one.path)].add(one.rating)
    return {
        place: ", ".join(rating.value for rating in sorted(ratings, key=order.index))
        for place, ratings in found.items()
    }
