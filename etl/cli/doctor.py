"""`redox-warehouse doctor`: is everything in order, and what to do where it is not."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from etl.cli.tables import width
from etl.doctor.records import Check, State

COLORS = {State.OK: "green", State.WARN: "yellow", State.FAIL: "bold red"}


@click.command()
@click.option("--dagster-home", type=click.Path(path_type=Path), envvar="DAGSTER_HOME",
              help="Dagster's folder (default HOME/dagster).")  # fmt: skip
@click.option("--offline", is_flag=True, help="Ask neither webhook nor Redox nor buckets.")
@click.option("--bytes", "reads_bytes", is_flag=True,
              help="Read all kept bytes too and compare them with their hashes.")  # fmt: skip
@click.option("--fix", is_flag=True,
              help="First bring Dagster's dagster.yaml up to date; a copy of it is kept.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def doctor(
    context: click.Context,
    /,
    dagster_home: Path | None,
    offline: bool,
    reads_bytes: bool,
    fix: bool,
    as_json: bool,
) -> int:
    """Check installation, home, catalog, warehouse, kept bytes, what is published, the ways in.

    Changes nothing without --fix, waits for no lock, and answers while a load runs. Asks the ways in that are
    set up whether they answer: the webhook if it is ready, Redox for a token, buckets for a look.

    \b
    Examples:
      redox-warehouse doctor
      redox-warehouse doctor --offline
      redox-warehouse doctor --bytes
      redox-warehouse doctor --fix
      redox-warehouse doctor --json | jq '.[] | select(.state != "ok")'

    Exit code 1 says that something fails; warnings alone give 0.
    """
    from etl.doctor.examine import examine

    home = context.find_root().params.get("home")
    if fix:
        _fix(home, dagster_home)
    checks = list(examine(home, dagster_home, is_offline=offline, is_reading_bytes=reads_bytes))
    if as_json:
        click.echo(json.dumps([asdict(check) for check in checks], indent=1))
    else:
        _print(checks, Console(width=width()))
    return 1 if any(check.state is State.FAIL for check in checks) else 0


def _fix(home: Path | None, dagster_home: Path | None) -> None:
    """Bring dagster.yaml up to date and say what was done, on standard error beside JSON."""
    from etl.doctor.dagster_home import bring_up_to_date
    from etl.settings import read_settings

    done = bring_up_to_date(dagster_home or read_settings(home).home / "dagster")
    click.echo(f"dagster: {done or 'dagster.yaml is as needed'}", err=True)


def _print(checks: list[Check], console: Console) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("area", "check", "", "found", "what to do"):
        table.add_column(name, overflow="fold")
    for check in checks:
        state = f"[{COLORS[check.state]}]{check.state}[/]"
        table.add_row(check.area, check.name, state, escape(check.found), escape(check.action))
    console.print(table)
    counts = Counter(check.state for check in checks)
    told = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
    console.print(told)
