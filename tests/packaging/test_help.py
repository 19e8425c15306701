"""`redox-warehouse --help` lists every command in its own words, and loads none of what they need."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

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


def test_descriptions_are_whole_at_80_columns() -> None:
    context = click.Context(cli, info_name="redox-warehouse", terminal_width=80)
    listed = cli.get_help(context).partition("Commands:\n")[2].splitlines()
    assert "..." not in "".join(listed)
    assert len(listed) == len(COMMANDS), "one line a command"
    for name in ("catalog", "quarantine"):
        group = cli.get_command(context, name)
        assert isinstance(group, click.Group)
        inner = click.Context(group, info_name=name, terminal_width=80)
        listed = group.get_help(inner).partition("Commands:\n")[2].splitlines()
        assert "..." not in "".join(listed)
        assert len(listed) == len(group.commands)


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["statu"], "did you mean `status`?"),
        (["quarantine", "lst"], "did you mean `list`?"),
        (["xyz"], "there are backup, catalog, compact, doctor"),
        (["status", "--jsn"], "Did you mean '--json'?"),
    ],
)
def test_a_wrong_name_gets_the_nearest(arguments: list[str], near: str) -> None:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert near in result.output


def test_shells_complete_commands_and_options() -> None:
    ran = subprocess.run(
        [Path(sys.executable).with_name("redox-warehouse")],
        env={
            **os.environ,
            "_REDOX_WAREHOUSE_COMPLETE": "bash_complete",
            "COMP_WORDS": "redox-warehouse rel",
            "COMP_CWORD": "1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.splitlines() == ["plain,reliability", "plain,reload"]
