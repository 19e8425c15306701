"""The prompt of `redox-warehouse sql`: statements end with a semicolon; nothing of it is kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from etl.cli.stops import forget_stop
from etl.cli.tables import say
from etl.errors import UsageFault
from etl.sql_text import quote

if TYPE_CHECKING:
    from etl.queries.query import Result, Session

HELP = """\
A statement ends with a semicolon and may have several lines.
  .marts           the marts
  .tables [WORD]   all tables and views, or those with WORD in their names
  .columns NAME    columns of a table, with what they mean
  .help            this
  .quit            leave, as Ctrl-D does
Ctrl-C drops what is written or running."""
MARTS = (
    "select schema_name || '.' || view_name as mart, comment from duckdb_views() "
    "where schema_name = 'mart' order by 1"
)
TABLES = (
    "select schema_name || '.' || view_name as name, comment from duckdb_views() "
    "where not internal and schema_name || '.' || view_name like {} order by 1"
)
COLUMNS = (
    "select column_name, data_type, comment from duckdb_columns() "
    "where schema_name || '.' || table_name = {} order by column_index"
)


class Prompt:
    """Reads statements and shows their results until it is left."""

    def __init__(self, session: Session, show: Callable[[Result], None]) -> None:
        self._session = session
        self._show = show

    def run(self) -> None:
        """Ask until the end of input; a wrong statement is reported and the prompt goes on."""
        with suppress(ImportError):
            import readline  # noqa: F401  (arrow keys; the history stays in memory)
        say(
            f"Published {self._session.version}, read-only, times in UTC. .help shows the commands."
        )
        statement = ""
        while True:
            try:
                line = input("   ...> " if statement else "redox> ")
            except EOFError:
                click.echo()
                return
            except KeyboardInterrupt:
                forget_stop()
                click.echo()
                statement = ""
                continue
            if not statement and line.strip().startswith("."):
                if line.strip() in (".quit", ".exit", ".q"):
                    return
                self._try(self._command, line.strip())
                continue
            statement = f"{statement}\n{line}" if statement else line
            if not statement.strip():
                statement = ""
            elif statement.rstrip().endswith(";"):
                self._try(self._ask, statement.rstrip().rstrip(";"))
                statement = ""

    def _try(self, act: Callable[[str], None], text: str) -> None:
        try:
            act(text)
        except UsageFault as fault:
            say(str(fault), fg="red")
        except KeyboardInterrupt:
            forget_stop()
            say("Stopped.")

    def _ask(self, statement: str) -> None:
        if statement.strip():
            self._show(self._session.run(statement))

    def _command(self, line: str) -> None:
        name, _, rest = line.partition(" ")
        word = rest.strip()
        if name == ".marts":
            self._ask(MARTS)
        elif name == ".tables":
            self._ask(TABLES.format(quote(f"%{word}%")))
        elif name == ".columns" and word:
            self._ask(COLUMNS.format(quote(word)))
        else:
            click.echo(HELP)
