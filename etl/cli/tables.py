"""Prints rows as a table; numbers to the right, a finding's place as `2.1`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

WIDTH_IN_FILES = 240


def width() -> int | None:
    """The width to print with: the terminal's own, wide where output goes to a file or pipe."""
    return None if sys.stdout.isatty() else WIDTH_IN_FILES


def print_table(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """One line per row, the columns of the first; columns that are empty throughout are left out."""
    names = [name for name in rows[0] if any(row[name] not in ("", None, ()) for row in rows)]
    table = Table()
    for name in names:
        is_number = isinstance(rows[0][name], int)
        table.add_column(
            name.replace("_", " "), justify="right" if is_number else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(escape(_cell(name, row[name])) for name in names))
    console.print(table)


def _cell(name: str, value: Any) -> str:
    if isinstance(value, tuple):
        return ".".join(map(str, value))
    if isinstance(value, int) and not name.endswith("id"):
        return f"{value:,}"
    return "" if value is None else _printable(str(value))


def _printable(text: str) -> str:
    """Received text must not steer the terminal: what is no visible character is spelled out."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )
