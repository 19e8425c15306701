"""`redox-warehouse status`: what is loaded, from what, when, and what is wrong."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from etl.cli.tables import width
from etl.plurals import counted
from etl.settings import Settings

# Sources that send no id, and those whose id may be a patient's.
UNNAMED = {"": "(none)", "*": "(odd ids)"}
NOTHING: dict[str, Any] = {
    "loads": 0,
    "bytes": 0,
    "last_load_at": None,
    "messages": {"received": 0, "loaded": 0, "duplicate": 0, "quarantined": 0},
    "objects": 0,
    "quarantine": {},
    "models": [],
    "sources": [],
    "findings": [],
    "recent_loads": [],
}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def status(settings: Settings, as_json: bool) -> None:
    """Tell what is loaded and what is wrong, in numbers. Never waits for a running load.

    \b
    Examples:
      redox-warehouse status
      redox-warehouse status --json | jq .messages
    """
    from etl.pipeline.status import read_status

    found = NOTHING | (read_status(settings.status_path) or {})
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    _print(found, Console(width=width()))


def _print(found: dict[str, Any], console: Console) -> None:
    messages = found["messages"]
    console.print(
        f"received {messages['received']:,} = loaded {messages['loaded']:,} + duplicate "
        f"{messages['duplicate']:,} + quarantined {messages['quarantined']:,}"
    )
    console.print(
        f"{counted(found['objects'], 'landed object')}, {found['bytes'] / 1e6:,.1f} MB; "
        f"loads, replays and reloads: {found['loads']:,}, the last {_moment(found['last_load_at'])}"
    )
    if found["models"]:
        console.print(_table(found["models"], "data model", "messages", "first day", "last day"))
    if found["sources"]:
        rows = [
            one | {"source_id": UNNAMED.get(one["source_id"], one["source_id"])}
            for one in found["sources"]
        ]
        console.print(_table(rows, "source", "messages", "first day", "last day"))
    if found["findings"]:
        console.print(_table(found["findings"], "severity", "rule", "findings", "messages"))
    if found["quarantine"]:
        rows = [{"reason": reason, "items": n} for reason, n in found["quarantine"].items()]
        console.print(_table(rows, "quarantined because", "open items"))


def _moment(text: str | None) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC" if text else "never"


def _table(rows: list[dict[str, Any]], *names: str) -> Table:
    table = Table(*names)
    for row in rows:
        cells = row.values()
        table.add_row(
            *(f"{cell:,}" if isinstance(cell, int) else escape(str(cell)) for cell in cells)
        )
    return table
