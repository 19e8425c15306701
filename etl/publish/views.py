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
from dataclasses import dataclass
from pathlib import Path

import duckdb

from etl.errors import PermanentError
from etl.publish.parquet import FILE_MODE
from etl.publish.relations import Relation, plain_columns
from etl.sql_text import literal_path, quote

STORAGE_VERSION = "v1.5.0"
_FOLDER = "core.published_folder"
_NOT_LOADED = "No message of this data model is loaded; the view is here so that others compile"
_TELLING = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)


@dataclass(frozen=True, slots=True)
class AnalystView:
    """One file of sql/: its qualified name, its SELECT, what its header says it reads."""

    name: str
    select: str
    reads: frozenset[str]

    @property
    def comment(self) -> str:
        """The header's first sentences: what stands above its `grain:`."""
        lines = []
        for line in self.select.splitlines():
            if not line.startswith("-- ") or line.startswith(("-- grain:", "-- key:", "-- reads:")):
                break
            lines.append(line[3:].strip())
        return " ".join(lines)


@dataclass(frozen=True, slots=True)
class ReaderCatalog:
    """What a reader finds: tables, empty stand-ins for tables that views miss, analysts' views.

    `origin` names what else the database is compiled from: the release and the catalog's hash.
    """

    tables: Mapping[str, Relation]
    stand_ins: tuple[Relation, ...]
    views: tuple[AnalystView, ...]
    origin: tuple[str, ...]

    @property
    def content_hash(self) -> str:
        """A hash by which a change of any name, type, comment or view is seen."""
        told = [relation.as_published() for _, relation in sorted(self.tables.items())]
        views = [(view.name, view.select) for view in self.views]
        text = repr((told, self.stand_ins, views, self.origin))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@contextmanager
def filling_database(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB file to fill, which drivers of the 1.5 line open too; in the end read-only."""
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
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
        with duckdb.connect(str(path), read_only=True):
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
    _create_tables(connection, catalog.tables.values(), select, kind)
    _create_stand_ins(connection, catalog.stand_ins)
    _create_analyst_views(connection, catalog.views)


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
        columns = ", ".join(
            f"cast(null as {column.sql_type}) as {column.name}"
            for column in relation.as_published().columns
        )
        name = relation.qualified_name
        connection.execute(f"create schema if not exists {relation.schema}")
        connection.execute(f"create view {name} as select {columns} where false")
        connection.execute(f"comment on view {name} is {quote(_NOT_LOADED)}")


def _create_analyst_views(
    connection: duckdb.DuckDBPyConnection, views: Iterable[AnalystView]
) -> None:
    """Create the views, each after those it reads; raises PermanentError for one that is wrong."""
    waiting: Mapping[str, AnalystView] = {view.name: view for view in views}
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


def _create_view(connection: duckdb.DuckDBPyConnection, view: AnalystView) -> str:
    """Create one view; gives what is wrong, which speaks of the SQL only and never of data."""
    try:
        connection.execute(f"create schema if not exists {view.name.partition('.')[0]}")
        connection.execute(f"create view {view.name} as {view.select}")
    except _TELLING as error:
        return str(error).splitlines()[0]
    except duckdb.Error as error:
        return type(error).__name__
    if view.comment:
        connection.execute(f"comment on view {view.name} is {quote(view.comment)}")
    return ""
