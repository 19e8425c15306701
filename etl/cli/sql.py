"""`redox-warehouse sql`: questions to the published version, and a prompt for them."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click

from etl.cli.tables import Column, is_terminal, print_table, printable, say
from etl.errors import UsageFault
from etl.plurals import counted
from etl.settings import Settings

if TYPE_CHECKING:
    from etl.queries.query import Result, Session

BATCH = 2_000
NARROW_TABLE = 4
"""With so many columns none is left out on a terminal, texts are cut instead."""
NUMBERS = ("BIGINT", "INTEGER", "SMALLINT", "TINYINT", "DOUBLE", "FLOAT", "HUGEINT", "DECIMAL", "U")
EPILOG = """\b
Examples:
  redox-warehouse sql "select encounter_status, count(*) from mart.encounter group by 1"
  redox-warehouse sql "from mart.lab_result where is_abnormal" --csv > abnormal.csv
  redox-warehouse sql "describe mart.patient"
  redox-warehouse sql --parquet < question.sql > answer.parquet
  redox-warehouse sql

\b
What you can query: docs/marts.md, docs/analysts.md, and catalog.html of the version.
Exit codes: 0 answered, 2 wrong query or nothing published, 1 anything else.
"""


@click.command(epilog=EPILOG)
@click.argument("query", required=False)
@click.option("--csv", "form", flag_value="csv", help="Print comma-separated values, all rows.")
@click.option("--json", "form", flag_value="json", help="Print a JSON array of objects, all rows.")
@click.option("--parquet", "form", flag_value="parquet", help="Write Parquet to standard output.")
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=200,
    show_default=True,
    help="Number of rows on a terminal; 0 for all.",
)
@click.option("--wide", is_flag=True, help="Print every column, however wide the terminal is.")
@click.pass_obj
def sql(settings: Settings, query: str | None, form: str | None, limit: int, wide: bool) -> None:
    """Query the published version in SQL, or open a prompt.

    QUERY is one SELECT. Without it, the query is read from standard input, or a prompt opens on a
    terminal. Nothing can be changed, times are in UTC, and only rows go to standard output. Piped, a
    table is tab-separated with all its rows.
    """  # fmt: skip
    from etl.queries.query import open_session, split_statements

    if form == "parquet" and is_terminal():
        raise UsageFault("Parquet is not for terminals; redirect it: --parquet > answer.parquet.")
    with open_session(settings) as session:
        if query is None and sys.stdin.isatty():
            from etl.cli.sql_prompt import Prompt

            Prompt(session, lambda result: print_result(result, limit, wide)).run()
            return
        statements = split_statements(sys.stdin.read() if query is None else query)
        if len(statements) != 1:
            given = counted(len(statements), "statement")
            raise UsageFault(f"Give one SELECT at a time; {given} came.")
        if form == "parquet":
            write_parquet(session, statements[0])
        elif form == "csv":
            write_csv(session.run(statements[0]))
        elif form == "json":
            write_json(session.run(statements[0]))
        else:
            print_result(session.run(statements[0]), limit, wide)


def print_result(result: Result, limit: int, wide: bool) -> None:
    """Print rows as a table: the first on a terminal, all as records where piped."""
    if not is_terminal():
        return _print_records(result)
    rows = result.rows(limit + 1 if limit else sys.maxsize)
    shown = rows[:limit] if limit else rows
    columns = [
        Column(
            name, title=name, rank=number, is_text=not _is_number(kind), is_number=_is_number(kind)
        )
        for number, (name, kind) in enumerate(zip(result.names, result.types, strict=True))
    ]
    if shown:
        cells = [dict(zip(result.names, map(text_of, row), strict=True)) for row in shown]
        print_table(cells, columns, wide=wide)
    if len(rows) > len(shown):
        say(f"The first {counted(len(shown), 'row')}; --limit 0 prints all, --csv writes them.")
    else:
        say(f"{counted(len(shown), 'row')}.", dim=True)
    return None


def _is_number(kind: str) -> bool:
    return kind.startswith(NUMBERS) and kind != "UUID" and not kind.endswith("]")


def _print_records(result: Result) -> None:
    click.echo("\t".join(map(printable, result.names)))
    for row in _all(result):
        click.echo("\t".join(printable(text_of(value)) for value in row))


def write_csv(result: Result) -> None:
    """Comma-separated values with a header; times in UTC, nulls empty."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(result.names)
    for row in _all(result):
        writer.writerow([text_of(value) for value in row])


def write_json(result: Result) -> None:
    """A JSON array, one object a row and line."""
    lead = "["
    for row in _all(result):
        values = dict(zip(result.names, map(json_of, row), strict=True))
        click.echo(f"{lead}{json.dumps(values, ensure_ascii=False)}", nl=False)
        lead = ",\n"
    click.echo("]" if lead != "[" else "[]")


def write_parquet(session: Session, statement: str) -> None:
    """One Parquet file on standard output, written as it is read."""
    import pyarrow.parquet as pq

    with (
        session.batches(statement) as reader,
        click.open_file("-", "wb") as out,
        pq.ParquetWriter(out, reader.schema, compression="zstd") as writer,
    ):
        for batch in reader:
            writer.write_batch(batch)


def _all(result: Result) -> Iterator[tuple[object, ...]]:
    while rows := result.rows(BATCH):
        yield from rows


def text_of(value: object) -> str:
    """A value as text: times in UTC with Z, lists and structures as JSON, null empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, list | dict | tuple):
        return json.dumps(json_of(value), ensure_ascii=False)
    return value.hex() if isinstance(value, bytes) else str(value)


def json_of(value: object) -> Any:
    """A value as JSON has it: a decimal as a number where that is exact, times as text."""
    if isinstance(value, Decimal):
        return float(value) if Decimal(repr(float(value))) == value else str(value)
    if isinstance(value, dict):
        return {str(name): json_of(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [json_of(one) for one in _iterated(value)]
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    return text_of(value) if isinstance(value, datetime | date | time | bytes) else str(value)


def _iterated(values: Iterable[object]) -> Iterable[object]:
    return values


def _moment(value: datetime) -> str:
    """An instant in UTC with Z; a time without a zone as it is."""
    if value.tzinfo is None:
        return value.isoformat(sep=" ", timespec=_precision(value))
    local = value.astimezone(UTC).replace(tzinfo=None)
    return local.isoformat(timespec=_precision(local)) + "Z"


def _precision(value: datetime) -> str:
    if not value.microsecond:
        return "seconds"
    return "microseconds" if value.microsecond % 1000 else "milliseconds"
