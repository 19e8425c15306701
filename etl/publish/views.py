"""Makes the small DuckDB file through which a version is read: a view per table, the analysts' views.

Schemas, names and comments are those of the warehouse. Every view finds its files through one
macro, so that the next version's file is a copy with another folder in it: nine thousand comments
take DuckDB 6 s to write. The same catalog over tables is the self-contained file of `--materialize`.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import duckdb

from etl.duckdb_files import connected
from etl.errors import PermanentError
from etl.publish.parquet import FILE_MODE
from etl.publish.relations import Relation, plain_columns
from etl.sql_text import literal_path, quote

STORAGE_VERSION = "v1.5.0"
_FOLDER = "core.published_folder"
_NOT_LOADED = "No message of this data model is loaded; the view is here so that others compile"
TELLING = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)


@dataclass(frozen=True, slots=True)
class Macro:
    """A scalar macro that views use: its qualified name, arguments, expression."""

    name: str
    arguments: tuple[str, ...]
    expression: str

    @property
    def statement(self) -> str:
        """The statement that creates it."""
        return f"create macro {self.name}({', '.join(self.arguments)}) as {self.expression}"


@dataclass(frozen=True, slots=True)
class AnalystView:
    """One view: its qualified name, its SELECT, and what its header says of it.

    A stored view is written as Parquet when it is published, sorted by `key`.
    """

    name: str
    select: str
    reads: frozenset[str]
    comment: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    is_stored: bool = False


@dataclass(frozen=True, slots=True)
class ReaderCatalog:
    """What a reader finds: tables, empty stand-ins for tables that views miss, analysts' views.

    `origin` names what else the database is compiled from: the release and the catalog's hash.
    """

    tables: Mapping[str, Relation]
    stand_ins: tuple[Relation, ...]
    views: tuple[AnalystView, ...]
    origin: tuple[str, ...]
    macros: tuple[Macro, ...] = ()

    @property
    def stored(self) -> tuple[AnalystView, ...]:
        """The views that are written as Parquet, each after those it reads."""
        return tuple(view for view in _by_reads(self.views) if view.is_stored)

    def without_stored(self) -> ReaderCatalog:
        """The same catalog without the views that are to be stored, and without those that read them:
        nested as views they would take DuckDB minutes and gigabytes to bind."""
        left_out = {view.name for view in self.views if view.is_stored}
        more = left_out
        while more:
            more = {v.name for v in self.views if v.reads & left_out} - left_out
            left_out |= more
        return replace(self, views=tuple(v for v in self.views if v.name not in left_out))

    def with_stored(self, tables: Mapping[str, Relation]) -> ReaderCatalog:
        """The same catalog in which these views are tables, as they were written."""
        views = tuple(view for view in self.views if view.name not in tables)
        return replace(self, tables={**self.tables, **tables}, views=views)

    @property
    def content_hash(self) -> str:
        """A hash by which a change of any name, type, comment or view is seen."""
        told = [relation.as_published() for _, relation in sorted(self.tables.items())]
        views = [(view.name, view.select) for view in self.views]
        text = repr((told, self.stand_ins, views, self.origin, self.macros))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextmanager
def filling_database(
    path: Path, *, spill: Path | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB file to fill, which drivers of the 1.5 line open too; in the end read-only."""
    with connected(spill=spill) as connection:
        connection.execute(
            f"attach {quote(str(path))} as published (storage_version '{STORAGE_VERSION}')"
        )
        connection.execute("use published")
        yield connection
        connection.execute("use memory")
        connection.execute("detach published")
    path.chmod(FILE_MODE)


def copied_database(earlier: Path, path: Path) -> bool:
    """Copy the views of another version; False when there are none that DuckDB can open."""
    if not earlier.is_file():
        return False
    shutil.copyfile(earlier, path)
    try:
        with connected(path, spill=None):
            return True
    except duckdb.Error:
        path.unlink()
        return False


def point_to(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Let every view read the files below a folder."""
    root = quote(literal_path(str(folder)))
    connection.execute(f"create schema if not exists {_FOLDER.partition('.')[0]}")
    connection.execute(f"create or replace macro {_FOLDER}() as {root}")


def parquet_of(relation: Relation) -> str:
    """The SELECT of a table's files below the folder that the views point to."""
    names = ", ".join(column.name for column in relation.columns)
    files = quote(f"/{relation.schema}/{relation.name}/*.parquet")
    return f"select {names} from read_parquet({_FOLDER}() || {files})"


def tables_of(database: str) -> Callable[[Relation], str]:
    """The SELECT that gives the published form of an attached warehouse's table."""
    return lambda relation: (
        f"select {', '.join(plain_columns(relation))} from {database}.{relation.qualified_name}"
    )


def fill_catalog(
    connection: duckdb.DuckDBPyConnection,
    catalog: ReaderCatalog,
    select: Callable[[Relation], str],
    *,
    kind: str = "view",
) -> None:
    """Create a view (or table) per table of the catalog, then the analysts' views over them."""
    create_macros(connection, catalog.macros)
    _create_tables(connection, catalog.tables.values(), select, kind)
    _create_stand_ins(connection, catalog.stand_ins)
    _create_analyst_views(connection, catalog.views)


def create_macros(connection: duckdb.DuckDBPyConnection, macros: Iterable[Macro]) -> None:
    """Create the macros that views use; raises PermanentError for one that is wrong."""
    for macro in macros:
        connection.execute(f"create schema if not exists {macro.name.partition('.')[0]}")
        try:
            connection.execute(macro.statement)
        except TELLING as error:
            name = macro.name.partition(".")[2]
            raise PermanentError(
                f"The macro {macro.name} does not compile ({str(error).splitlines()[0]}); "
                f"correct macro/{name}.sql and publish again."
            ) from None


def _create_tables(
    connection: duckdb.DuckDBPyConnection,
    relations: Iterable[Relation],
    select: Callable[[Relation], str],
    kind: str,
) -> None:
    """All comments included, in one transaction."""
    connection.execute("begin")
    for relation in relations:
        connection.execute(f"create schema if not exists {relation.schema}")
        connection.execute(f"create {kind} {relation.qualified_name} as {select(relation)}")
        for statement in _comments(relation, kind):
            connection.execute(statement)
    connection.execute("commit")


def _comments(relation: Relation, kind: str) -> Iterator[str]:
    if relation.comment:
        yield f"comment on {kind} {relation.qualified_name} is {quote(relation.comment)}"
    for column in relation.columns:
        if column.comment:
            place = f"{relation.qualified_name}.{column.name}"
            yield f"comment on column {place} is {quote(column.comment)}"


def _create_stand_ins(connection: duckdb.DuckDBPyConnection, relations: Iterable[Relation]) -> None:
    """Create views without rows for tables that do not exist yet but are read by other views."""
    for relation in relations:
        name = relation.qualified_name
        connection.execute(f"create schema if not exists {relation.schema}")
        connection.execute(f"create view {name} as {stand_in_select(relation)}")
        connection.execute(f"comment on view {name} is {quote(_NOT_LOADED)}")


def stand_in_select(relation: Relation) -> str:
    """The SELECT of a table without rows that has these columns."""
    columns = ", ".join(
        f"cast(null as {column.sql_type}) as {column.name}"
        for column in relation.as_published().columns
    )
    return f"select {columns} where false"


def _create_analyst_views(
    connection: duckdb.DuckDBPyConnection, views: Iterable[AnalystView]
) -> None:
    """Create the views, each after those it reads; raises PermanentError for one that is wrong."""
    waiting: Mapping[str, AnalystView] = {view.name: view for view in _by_reads(views)}
    while waiting:
        refused = {
            name: fault
            for name, view in waiting.items()
            if (fault := _create_view(connection, view))
        }
        if len(refused) == len(waiting):
            name, fault = next(iter(refused.items()))
            raise PermanentError(
                f"The view {name} does not compile ({fault}); "
                f"correct sql/{name.replace('.', '/')}.sql and publish again."
            )
        waiting = {name: waiting[name] for name in refused}


def _by_reads(views: Iterable[AnalystView]) -> list[AnalystView]:
    """The views, each after those its header says it reads; as given where they go in a circle."""
    by_name = {view.name: view for view in views}
    order = TopologicalSorter(
        {name: sorted(view.reads & by_name.keys()) for name, view in by_name.items()}
    )
    try:
        return [by_name[name] for name in order.static_order()]
    except CycleError:
        return list(by_name.values())


def _create_view(connection: duckdb.DuckDBPyConnection, view: AnalystView) -> str:
    """Create one view; gives what is wrong, which speaks of the SQL only and never of data."""
    try:
        connection.execute(f"create schema if not exists {view.name.partition('.')[0]}")
        connection.execute(f"create view {view.name} as {view.select}")
    except TELLING as error:
        return str(error).splitlines()[0]
    except duckdb.Error as error:
        return type(error).__name__
    if view.comment:
        connection.execute(f"comment on view {view.name} is {quote(view.comment)}")
    for column, meaning in view.columns.items():
        connection.execute(f"comment on column {view.name}.{column} is {quote(meaning)}")
    return ""
