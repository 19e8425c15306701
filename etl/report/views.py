"""The views of sql/: finds them, orders them by what they read, creates them on a connection.

A file `sql/<schema>/<view>.sql` holds the one SELECT of `<schema>.<view>`; its header's `reads:`
names the tables and views it stands on. What the views say lives in the files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

_READS = re.compile(r"^-- reads:((?:.*\n)(?:--   .*\n)*)", re.MULTILINE)
_ARGUMENTS = re.compile(r"^-- arguments:(.*)$", re.MULTILINE)
_NAME = re.compile(r"[a-z_]+\.[a-z_]+")


@dataclass(frozen=True, slots=True)
class View:
    """One view: its qualified name, its SELECT, the relations it reads."""

    name: str
    select: str
    reads: frozenset[str]


def sql_folder() -> Path:
    """Where the SQL files are: inside the package when installed, beside it in the sources."""
    package = Path(__file__).resolve().parents[1]
    packaged = package / "sql"
    return packaged if packaged.is_dir() else package.parent / "sql"


def read_views(schema: str = "quality", *, folder: Path | None = None) -> tuple[View, ...]:
    """All views of a schema, each after the views it reads."""
    files = sorted(((folder or sql_folder()) / schema).glob("*.sql"))
    views = {view.name: view for view in (_read_view(file) for file in files)}
    order = TopologicalSorter(
        {name: sorted(view.reads & views.keys()) for name, view in views.items()}
    )
    return tuple(views[name] for name in order.static_order())


def view_select(name: str) -> str:
    """Return the SELECT of a view as a subquery, for connections that have its tables only."""
    schema = name.partition(".")[0]
    select = next(view.select for view in read_views(schema) if view.name == name)
    return f"(\n{select}\n)"


@dataclass(frozen=True, slots=True)
class MacroFile:
    """A scalar macro: its name, its arguments, its expression."""

    name: str
    arguments: tuple[str, ...]
    expression: str


def read_macros(*folders: Path) -> tuple[MacroFile, ...]:
    """The macros of folders by name; of two with one name, that of the later folder.

    A file's `arguments:` line names the arguments; what follows the header is the expression.
    """
    files = {file.stem: file for folder in folders for file in sorted(folder.glob("*.sql"))}
    return tuple(_read_macro(file) for _, file in sorted(files.items()))


def _read_macro(file: Path) -> MacroFile:
    text = file.read_text("utf-8")
    found = _ARGUMENTS.search(text)
    arguments = tuple(re.findall(r"[a-z_]+", found[1])) if found else ()
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    return MacroFile(file.stem, arguments, "\n".join(lines).strip())


def create_views(connection: duckdb.DuckDBPyConnection, *, schema: str = "quality") -> None:
    """Create or replace every view of a schema; the tables they read must exist."""
    connection.execute(f"create schema if not exists {schema}")
    for view in read_views(schema):
        connection.execute(f"create or replace view {view.name} as {view.select}")


def _read_view(file: Path) -> View:
    select = file.read_text("utf-8")
    found = _READS.search(select)
    reads = frozenset(_NAME.findall(found[1])) if found else frozenset()
    return View(f"{file.parent.name}.{file.stem}", select, reads)
