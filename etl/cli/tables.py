"""Prints tables and sentences: fitted to a terminal, or as records where output is piped.

On a terminal a row is one line of at most the terminal's width: the least important columns are
left out first, then paths lose their first parts; no word or id is broken. Piped, a table is
tab-separated with a header, one record a line, every column, numbers plain; sentences go to
standard error, so that standard output holds records only. Received text never steers a terminal.
"""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import click
from rich.cells import cell_len, set_cell_size

GAP = "  "
NARROW_PATH = 34
"""A path is cut to this width before a column is left out for it."""
CUT = "\N{HORIZONTAL ELLIPSIS}"
SEVERITY_COLORS = {"error": "red", "warning": "yellow"}

wide_option = click.option(
    "--wide", is_flag=True, help="Print every column, however wide the terminal is."
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the key of its values in a row, and how they are shown on a terminal.

    Columns of the highest `rank` are left out first where there is no room, those of rank 0 never.
    A path may lose its first parts, a text its end. `show` words a value for terminals; records
    hold it as it is.
    """

    name: str
    rank: int = 0
    title: str = ""
    is_path: bool = False
    is_text: bool = False
    is_number: bool = False
    show: Callable[[Any], str] | None = None
    colors: Mapping[str, str] = field(default_factory=dict)

    @property
    def heading(self) -> str:
        """The title above the column."""
        return self.title or self.name.replace("_", " ")

    def text(self, value: Any) -> str:
        """A value in words for a terminal."""
        if self.show is not None and value is not None:
            return printable(self.show(value))
        if isinstance(value, int) and not isinstance(value, bool) and not self.name.endswith("id"):
            return f"{value:,}"
        return plain(value)


SEVERITY = Column("severity", colors=SEVERITY_COLORS)


def escaped(uri: Any) -> str:
    """A name of a file or object in ASCII: what is odd in it can neither hide nor steer a terminal."""
    return ascii(str(uri))[1:-1]


def is_terminal() -> bool:
    """True where standard output is a terminal."""
    return sys.stdout.isatty()


def terminal_width() -> int:
    """The terminal's width in cells."""
    return shutil.get_terminal_size((80, 24)).columns


def styled(text: str, **style: Any) -> str:
    """The text in a style (click.style), plain where it is piped or NO_COLOR is set."""
    plain_wanted = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return text if plain_wanted or not is_terminal() else click.style(text, **style)


def _echo(line: str) -> None:
    """Print a line whose styles are chosen already."""
    click.echo(line, color=is_terminal())


def say(
    text: str = "",
    *,
    indent: str = "",
    subsequent: int | None = None,
    lead: str = "",
    **style: Any,
) -> None:
    """Print sentences, wrapped at words; to standard error where standard output is piped.

    `indent` leads the first line, `subsequent` blanks (as many as it has, unless given) the others.
    The style is the text's, or that of `lead` where there is one, which begins the text.
    """
    whole = f"{lead} {text}" if lead else text
    if not is_terminal():
        if whole:
            click.echo(f"{indent}{whole}", err=True)
        return
    blanks = len(indent) if subsequent is None else subsequent
    for number, line in enumerate(_wrapped(whole, terminal_width() - blanks)):
        if style and not lead:
            shown = styled(line, **style)
        elif lead and number == 0 and line.startswith(lead):
            shown = styled(lead, **style) + line.removeprefix(lead)
        else:
            shown = line
        _echo((" " * blanks if number else indent) + shown)


def print_facts(facts: Mapping[str, str]) -> None:
    """Print one fact a line under its name; long ones are wrapped beside it on a terminal."""
    if not is_terminal():
        for name, text in facts.items():
            click.echo(f"{name}\t{printable(text)}")
        return
    width = max(map(cell_len, facts)) + len(GAP)
    for name, text in facts.items():
        lines = _wrapped(printable(text), terminal_width() - width)
        _echo(f"{styled(f'{name:<{width}}', dim=True)}{lines[0]}")
        for line in lines[1:]:
            click.echo(" " * width + line)


def _wrapped(text: str, width: int) -> list[str]:
    lines = textwrap.wrap(text, max(width, 20), break_long_words=False, break_on_hyphens=False)
    return lines or [""]


def print_table(
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[Column] = (),
    *,
    title: str = "",
    wide: bool = False,
) -> None:
    """Print rows under their columns, by default the keys of the first row.

    With a title the table stands under it, and each record begins with it: `title` names the
    tables of one command apart where they are piped.
    """
    columns = columns or tuple(Column(name) for name in rows[0])
    if is_terminal():
        _print_lines(rows, columns, title, wide)
    else:
        _print_records(rows, columns, title)


def _print_records(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], title: str
) -> None:
    head = ["table"] if title else []
    click.echo("\t".join([*head, *(column.name.replace(" ", "_") for column in columns)]))
    lead = [title.replace(" ", "_")] if title else []
    for row in rows:
        click.echo("\t".join([*lead, *(plain(row.get(column.name)) for column in columns)]))


def _print_lines(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], title: str, wide: bool
) -> None:
    used = [c for c in columns if any(row.get(c.name) not in ("", None, ()) for row in rows)]
    cells = {c.name: [c.text(row.get(c.name)) for row in rows] for c in used}
    widths = {c.name: max(map(cell_len, [c.heading, *cells[c.name]])) for c in used}
    shown, left_out = _fit(used, widths, None if wide else terminal_width())
    for column in shown:  # a last part that is longer than its column widens it for all
        fitted = [_fitted(column, text, widths[column.name]) for text in cells[column.name]]
        widths[column.name] = max(map(cell_len, [column.heading, *fitted]))
        cells[column.name] = fitted
    if title:
        _echo(styled(title, bold=True))
    _echo(_line([_pad(c, c.heading, widths[c.name]) for c in shown], dim=True))
    for number in range(len(rows)):
        _echo(_line([_cell(c, cells[c.name][number], widths[c.name]) for c in shown]))
    if left_out:
        names = ", ".join(column.heading for column in left_out)
        say(f"Columns left out: {names}; --wide prints all.", dim=True)


def _fit(
    columns: Sequence[Column], widths: dict[str, int], room: int | None
) -> tuple[list[Column], list[Column]]:
    """The columns that fit, and those left out; `widths` of paths are cut to what is left."""
    shown = list(columns)

    def excess(narrowest: int) -> int:
        own = (min(widths[c.name], narrowest) if c.is_path else widths[c.name] for c in shown)
        return 0 if room is None else sum(own) + len(GAP) * (len(shown) - 1) - room

    while excess(NARROW_PATH) > 0 and any(column.rank for column in shown):
        shown.remove(max(reversed(shown), key=lambda column: column.rank))
    for column in shown:
        left = excess(max(widths.values()))
        if (column.is_path or column.is_text) and left > 0:
            widths[column.name] = max(widths[column.name] - left, len(column.heading), 12)
    return shown, [column for column in columns if column not in shown]


def _fitted(column: Column, text: str, width: int) -> str:
    if column.is_path:
        return _shortened(text, width)
    if column.is_text and cell_len(text) > width:
        return f"{set_cell_size(text, width - 1).rstrip()}{CUT}"
    return text


def _cell(column: Column, text: str, width: int) -> str:
    color = column.colors.get(text)
    padded = _pad(column, text, width)
    return styled(padded, fg=color, bold=color == "red") if color else padded


def _shortened(path: str, width: int) -> str:
    """A path without its first parts where it is too long; its last part stays whole."""
    shown = path
    while cell_len(shown) > width and "." in shown.removeprefix(f"{CUT}."):
        shown = f"{CUT}.{shown.removeprefix(f'{CUT}.').partition('.')[2]}"
    return shown


def _pad(column: Column, text: str, width: int) -> str:
    space = " " * max(width - cell_len(text), 0)
    return space + text if column.is_number else text + space


def _line(cells: Sequence[str], **style: Any) -> str:
    line = GAP.join(cells).rstrip()
    return styled(line, **style) if style else line


def plain(value: Any) -> str:
    """A value as it stands in a record: no tab or line end, places such as 2.1, moments in UTC."""
    if isinstance(value, tuple | list):
        return ".".join(map(str, value))
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%SZ}"
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else printable(str(value))


def printable(text: str) -> str:
    """Received text must not steer the terminal: what is no visible character is spelled out."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode() for one in text
    )
