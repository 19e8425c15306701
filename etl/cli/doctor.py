"""`redox-warehouse doctor`: checks an installation and its home, and says what to fix."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click

from etl.cli.tables import Column, is_terminal, print_table, say, styled
from etl.doctor.records import Check, State

COLORS = {State.OK: "green", State.WARN: "yellow", State.FAIL: "red"}
COLUMNS = tuple(map(Column, ("state", "area", "name", "found", "action")))


@click.command()
@click.option("--dagster-home", type=click.Path(path_type=Path), envvar="DAGSTER_HOME",
              help="Dagster's folder (default HOME/dagster).")  # fmt: skip
@click.option("--offline", is_flag=True, help="Do not contact the webhook, Redox or buckets.")
@click.option("--bytes", "reads_bytes", is_flag=True,
              help="Also read all landed bytes and check their hashes.")  # fmt: skip
@click.option("--fix", is_flag=True,
              help="Update Dagster's dagster.yaml first; keeps a copy of the old one.")  # fmt: skip
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
    """Check the installation and the home, and say what to fix.

    Checks settings, catalog, warehouse, landed bytes, published version and the configured sources:
    whether the webhook is ready, Redox issues a token, buckets can be listed. Changes nothing
    without --fix, waits for no lock, and works while a load runs.

    \b
    Examples:
      redox-warehouse doctor
      redox-warehouse doctor --offline
      redox-warehouse doctor --bytes
      redox-warehouse doctor --fix
      redox-warehouse doctor --json | jq '.[] | select(.state != "ok")'

    Exit code 1 means that a check failed; warnings alone exit with 0.
    """
    from etl.doctor.examine import examine

    home = context.find_root().params.get("home")
    if fix:
        _fix(home, dagster_home)
    checks = list(examine(home, dagster_home, is_offline=offline, is_reading_bytes=reads_bytes))
    if as_json:
        click.echo(json.dumps([asdict(check) for check in checks], indent=1))
    else:
        _print(checks)
    return 1 if any(check.state is State.FAIL for check in checks) else 0


def _fix(home: Path | None, dagster_home: Path | None) -> None:
    """Bring dagster.yaml up to date and say what was done, on standard error beside JSON."""
    from etl.doctor.dagster_home import bring_up_to_date
    from etl.settings import read_settings

    done = bring_up_to_date(dagster_home or read_settings(home).home / "dagster")
    click.echo(f"dagster: {done or 'dagster.yaml is up to date'}", err=True)


def _print(checks: list[Check]) -> None:
    """One check a line, with what to do below it; as records where output is piped."""
    if not is_terminal():
        print_table([asdict(check) for check in checks], COLUMNS)
    else:
        for check in checks:
            state = styled(
                f"{check.state:<5}", fg=COLORS[check.state], bold=check.state != State.OK
            )
            say(f"{check.area}, {check.name}: {check.found}", indent=state, subsequent=5)
            if check.action:
                say(check.action, indent="       → ", subsequent=9)
    counts = Counter(check.state for check in checks)
    say(", ".join(f"{counts[state]} {state}" for state in State if counts[state]))
