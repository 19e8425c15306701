"""What pages, help texts and error sentences tell one to type is real."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from etl.cli.main import COMMANDS, cli
from tests.packaging.documents import ROOT, code_lines, commands, page_name, pages

PROGRAM = "redox-warehouse"
_PLACEHOLDER = re.compile(r"[A-Z<\[.*]")


def _command(name: str) -> click.Command:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    return command


def _all_commands() -> Iterator[tuple[str, click.Command]]:
    for name in sorted(COMMANDS):
        command = _command(name)
        if isinstance(command, click.Group):
            yield from ((f"{name} {inner}", own) for inner, own in command.commands.items())
        else:
            yield name, command


ALL_COMMANDS = dict(_all_commands())


def _options(command: click.Command) -> dict[str, click.Parameter]:
    parameters = command.get_params(click.Context(command, help_option_names=["-h", "--help"]))
    return {name: p for p in parameters for name in (*p.opts, *p.secondary_opts)}


def fault_of_call(words: list[str]) -> str:
    """What is wrong with a call of the program, "" when nothing is."""
    command: click.Command = cli
    left = list(words)
    while left:
        word = left.pop(0)
        if word.startswith("-") and len(word) > 1 and not word[1:].isdigit():
            name, _, value = word.partition("=")
            option = _options(command).get(name)
            if option is None:
                return f"{command.name or PROGRAM} has no option {name}"
            takes_value = isinstance(option, click.Option) and not option.is_flag
            if takes_value and not value and left:
                left.pop(0)
        elif isinstance(command, click.Group):
            if _PLACEHOLDER.match(word):
                return ""
            inner = command.get_command(click.Context(command), word)
            if inner is None:
                return f"{command.name or PROGRAM} has no command {word}"
            command = inner
    return ""


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        (["load", "a.json", "--unwrap", "body"], ""),
        (["--home", "x", "status", "--json"], ""),
        (["quarantine", "show", "7"], ""),
        (["unload"], "cli has no command unload"),
        (["load", "--wrong"], "load has no option --wrong"),
        (["quarantine", "eat"], "quarantine has no command eat"),
    ],
)
def test_wrong_calls_are_told(call: list[str], fault: str) -> None:
    assert fault_of_call(call) == fault


@pytest.mark.parametrize("page", pages(), ids=page_name)
def test_commands_on_pages_exist(page: Path) -> None:
    calls = list(commands(code_lines(page), PROGRAM))
    assert [fault for fault in map(fault_of_call, calls) if fault] == []


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_examples_of_help_exist(name: str) -> None:
    command = ALL_COMMANDS[name]
    lines = f"{command.help}\n{command.epilog or ''}".splitlines()
    calls = list(commands((line.strip() for line in lines), PROGRAM))
    assert [call for call in calls if " ".join(call).startswith(name)], "an example of the command"
    assert [fault for fault in map(fault_of_call, calls) if fault] == []


def test_commands_in_sentences_of_the_code_exist() -> None:
    faults = []
    for file in sorted((ROOT / "etl").rglob("*.py")):
        for text in _texts(file):
            spans = re.findall(r"`([^`]+)`", text)
            for call in commands(iter(spans), PROGRAM):
                if fault := fault_of_call(call):
                    faults.append(f"{page_name(file)}: {fault}")
    assert faults == []


def _texts(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_every_command_says_what_it_does(name: str) -> None:
    command = ALL_COMMANDS[name]
    assert command.get_short_help_str()
    undescribed = [
        option.name
        for option in command.params
        if isinstance(option, click.Option) and not option.help and not option.is_flag
        and not isinstance(option.type, click.Choice | click.IntRange)
    ]  # fmt: skip
    assert undescribed == []


# these print bytes or a payload, or are servers; all others can be read by machines
_NO_JSON = {
    "catalog template",
    "quarantine resolve",
    "quarantine show",
    "rebuild",
    "receive",
    "show",
}


@pytest.mark.parametrize("name", ALL_COMMANDS)
def test_machines_can_read_what_commands_tell(name: str) -> None:
    json_options = [p for p in ALL_COMMANDS[name].params if "--json" in p.opts]
    assert bool(json_options) is (name not in _NO_JSON)
    assert all(isinstance(p, click.Option) and p.help for p in json_options)


def test_readme_tells_every_command() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    assert [name for name in COMMANDS if f"| `{name}" not in readme] == []


def _targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    return set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))


@pytest.mark.parametrize("page", pages(), ids=page_name)
def test_targets_on_pages_exist(page: Path) -> None:
    named = {call[0] for call in commands(code_lines(page), "make") if call}
    assert {name for name in named if not name.startswith("-")} - _targets() == set()
