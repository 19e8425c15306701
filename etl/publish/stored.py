"""Writes stored views as Parquet into a version, each after what it reads, or shares their files.

They are computed from the version's own files, so no lock of the warehouse is held. A view's
signature is its text and the content of all it reads: equal ones share the file of the version
before by hard link, also where what they read was computed again and came out the same. One file per
view, sorted by its key, all columns optional.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from etl.duckdb_files import connected
from etl.errors import PermanentError
from etl.publish.manifest import EMPTY, Part, TableFiles, columns_of
from etl.publish.parquet import FILE_MODE, Earlier, Written, link_or_copy
from etl.publish.relations import Column, Relation, plain_columns
from etl.publish.state import WHOLE
from etl.publish.views import (
    TELLING,
    AnalystView,
    ReaderCatalog,
    create_macros,
    stand_in_select,
)
from etl.sql_text import literal_path, quote


@dataclass(frozen=True, slots=True)
class Limits:
    """What computing may use: bytes of memory (0 = half of the machine's), threads, a spill folder."""

    memory_bytes: int
    threads: int
    spill: Path


@dataclass(slots=True)
class Stored:
    """What was stored: relations and files by qualified name, how many files were written."""

    relations: dict[str, Relation] = field(default_factory=dict)
    files: dict[str, TableFiles] = field(default_factory=dict)
    done: Written = field(default_factory=Written)


def write_stored(
    catalog: ReaderCatalog,
    tables: Mapping[str, TableFiles],
    folder: Path,
    *,
    earlier: Earlier | None,
    limits: Limits,
) -> Stored:
    """Give every stored view of the catalog its file below `folder`, where `tables` stand already.

    Raises PermanentError that names a view which does not compile or cannot be computed.
    """
    stored = Stored()
    signatures = _Signatures(catalog, tables)
    with _workshop(catalog, tables, folder, limits) as workshop:
        for view in catalog.stored:
            signature = signatures.of(view.name)
            files = _share(view, signature, folder, earlier)
            if files is None:
                files = workshop.write(view, signature)
                stored.done.written += 1
            else:
                stored.done.shared += 1
            relation = _relation(view, files)
            workshop.know(relation, files)
            signatures.know(view.name, files)
            stored.relations[view.name] = relation
            stored.files[view.name] = files
    return stored


class _Signatures:
    """By which a change of anything that a view stands on is seen.

    What is in files is known by their content, other views by their text and what they read.
    """

    def __init__(self, catalog: ReaderCatalog, tables: Mapping[str, TableFiles]) -> None:
        self._views = {view.name: view for view in catalog.views}
        self._tables = dict(tables)
        self._common = repr((catalog.macros, catalog.origin[:1]))
        self._known: dict[str, str] = {}

    def know(self, name: str, files: TableFiles) -> None:
        """Let later views stand on the content of a stored one."""
        self._tables[name] = files
        self._known.pop(name, None)

    def of(self, name: str) -> str:
        if name not in self._known:
            self._known[name] = hashlib.sha256(self._text(name).encode()).hexdigest()[:24]
        return self._known[name]

    def _text(self, name: str) -> str:
        files, view = self._tables.get(name), self._views.get(name)
        if files is not None or view is None:
            parts = [_content(part) for part in files.parts if part.has_file] if files else []
            return repr((name, files.columns if files else (), parts))
        reads = [(read, self.of(read)) for read in sorted(view.reads) if read != name]
        return repr((self._common, view.select, view.key, reads))


def _content(part: Part) -> tuple[str, str]:
    """By which the rows of a part are known; versions of old noted no hash of the file."""
    return (part.part, part.sha256 or part.signature)


def _share(
    view: AnalystView, signature: str, folder: Path, earlier: Earlier | None
) -> TableFiles | None:
    """The file of the version before, when it was made of the same."""
    files = earlier.tables.get(view.name) if earlier else None
    if earlier is None or files is None or any(p.signature != signature for p in files.parts):
        return None
    for part in files.parts:
        source = _place(earlier.folder, view.name) / part.file_name
        target = _place(folder, view.name, make=True) / part.file_name
        if not link_or_copy(source, target, part.bytes):
            return None
    return files


def _place(folder: Path, name: str, *, make: bool = False) -> Path:
    place = folder.joinpath(*name.split("."))
    if make:
        place.parent.mkdir(exist_ok=True, mode=0o700)
        place.mkdir(exist_ok=True, mode=0o700)
    return place


def _relation(view: AnalystView, files: TableFiles) -> Relation:
    """The relation as readers see it, with what the header says of its columns."""
    schema, _, name = view.name.partition(".")
    columns = tuple(
        Column(column, kind, view.columns.get(column, ""), column in view.key)
        for column, kind in files.columns
    )
    return Relation(schema, name, view.comment, columns)


class _Workshop:
    """A database in memory that opens only when something must be computed.

    It holds a view per table that is read, over the files of the version that is being built.
    """

    def __init__(
        self,
        catalog: ReaderCatalog,
        tables: Mapping[str, TableFiles],
        folder: Path,
        limits: Limits,
    ) -> None:
        self._views = {view.name: view for view in catalog.views}
        self._relations = dict(catalog.tables)
        self._stand_ins = {relation.qualified_name: relation for relation in catalog.stand_ins}
        self._catalog = catalog
        self._tables = dict(tables)
        self._folder = folder
        self._limits = limits
        self._created: set[str] = set()
        self._open: duckdb.DuckDBPyConnection | None = None
        self._stack = ExitStack()

    def know(self, relation: Relation, files: TableFiles) -> None:
        """Let later views read what is in files now."""
        self._relations[relation.qualified_name] = relation
        self._tables[relation.qualified_name] = files

    def write(self, view: AnalystView, signature: str) -> TableFiles:
        """Compute a view and write its file."""
        try:
            return self._write(view, signature)
        except TELLING as error:
            raise PermanentError(
                f"The view {view.name} does not compile ({str(error).splitlines()[0]}); "
                f"correct sql/{view.name.replace('.', '/')}.sql and publish again."
            ) from None
        except duckdb.OutOfMemoryException:
            raise PermanentError(
                f"There is not enough memory to compute {view.name}; raise marts.memory_bytes."
            ) from None
        except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
            raise PermanentError(
                f"The view {view.name} cannot be computed ({type(error).__name__}); "
                f"correct sql/{view.name.replace('.', '/')}.sql and publish again."
            ) from None

    def _write(self, view: AnalystView, signature: str) -> TableFiles:
        connection = self._connection()
        for read in sorted(view.reads):
            self._create(read)
        schema, _, name = view.name.partition(".")
        described = connection.execute(f"describe {view.select}").fetchall()
        columns = tuple(
            Column(row[0], row[1], view.columns.get(row[0], ""), row[0] in view.key)
            for row in described
        )
        relation = Relation(schema, name, view.comment, columns)
        target = _place(self._folder, view.name, make=True) / f"{WHOLE}.parquet"
        order = f" order by {', '.join(view.key)}" if view.key else ""
        found = connection.execute(
            f"copy (select {', '.join(plain_columns(relation))} from (\n{view.select}\n){order}) "
            f"to {quote(str(target))} (format parquet, compression zstd)"
        ).fetchone()
        rows = int(found[0]) if found else 0
        if not rows:
            target = target.rename(target.with_name(f"{EMPTY}.parquet"))
        target.chmod(FILE_MODE)
        part = Part.written(WHOLE if rows else EMPTY, rows, target, signature=signature)
        return TableFiles(columns_of(relation), relation.key, (part,))

    def _connection(self) -> duckdb.DuckDBPyConnection:
        if self._open is None:
            self._open = self._stack.enter_context(connected(spill=self._limits.spill))
            self._limit(self._open)
            create_macros(self._open, self._catalog.macros)
        return self._open

    def _limit(self, connection: duckdb.DuckDBPyConnection) -> None:
        memory = self._limits.memory_bytes or _memory_of_machine() // 2
        connection.execute(f"set memory_limit = '{memory // 2**20} MiB'")
        connection.execute(f"set threads = {self._limits.threads}")
        # Statistics would make a column without nulls REQUIRED in one version and not in another.
        connection.execute("set disabled_optimizers = 'statistics_propagation'")

    def _create(self, name: str) -> None:
        """Create a relation that is read, and first what it reads itself."""
        if name in self._created:
            return
        self._created.add(name)
        view = self._views.get(name)
        if name in self._relations:
            select = self._select(name)
        elif view is not None:
            for read in sorted(view.reads):
                self._create(read)
            select = view.select
        elif name in self._stand_ins:
            select = stand_in_select(self._stand_ins[name])
        else:
            return
        connection = self._connection()
        connection.execute(f"create schema if not exists {name.partition('.')[0]}")
        connection.execute(f"create view {name} as {select}")

    def _select(self, name: str) -> str:
        relation, files = self._relations[name], self._tables[name]
        columns = ", ".join(column.name for column in relation.columns)
        place = _place(self._folder, name)
        listing = ", ".join(
            quote(literal_path(str(place / part.file_name)))
            for part in files.parts
            if part.has_file
        )
        return f"select {columns} from read_parquet([{listing}])"

    def close(self) -> None:
        """Close what was opened."""
        self._stack.close()


@contextmanager
def _workshop(
    catalog: ReaderCatalog, tables: Mapping[str, TableFiles], folder: Path, limits: Limits
) -> Iterator[_Workshop]:
    workshop = _Workshop(catalog, tables, folder, limits)
    try:
        yield workshop
    finally:
        workshop.close()


def _memory_of_machine() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
