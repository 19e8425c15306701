"""`redox-warehouse --help` lists every command in its own words, and loads none of what they need."""

import subprocess
import sys

import click
import pytest

from etl.cli.main import COMMANDS, cli

HEAVY = ("duckdb", "pyarrow", "sqlalchemy", "pydantic", "dagster")
LISTED_WITHOUT = f"""
import sys
from etl.cli.main import cli
cli.main(["--help"], standalone_mode=False)
print("loaded:", [name for name in {HEAVY} if name in sys.modules])
"""


def _listing() -> str:
    context = click.Context(cli, info_name="redox-warehouse", terminal_width=200)
    return " ".join(cli.get_help(context).split())


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_listed_with_its_own_first_sentence(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    summary = command.get_short_help_str(limit=200)
    assert len(summary) > 15
    assert f"{name} {summary}" in _listing()


def test_the_list_needs_nothing_heavy() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LISTED_WITHOUT], capture_output=True, text=True, check=True
    )
    assert ran.stdout.splitlines()[-1] == "loaded: []"
