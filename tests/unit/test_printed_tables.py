"""Tables and sentences on the terminal and in a pipe: whole words, whole lines, no steering."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest

from etl.cli import tables
from etl.cli.tables import SEVERITY, Column, print_facts, print_table, say

ROWS = [
    {
        "severity": "error",
        "rule": "time_impossible",
        "path": "Patient.Demographics.DOB",
        "findings": 12345,
        "day": date(2026, 3, 1),
        "note": None,
    },
    {
        "severity": "info",
        "rule": "unlisted_key",
        "path": "Visit.Insurances[].Insured.Address.StreetAddress",
        "findings": 7,
        "day": date(2026, 3, 2),
        "note": None,
    },
]
COLUMNS = (
    SEVERITY,
    Column("rule"),
    Column("path", is_path=True),
    Column("findings", is_number=True),
    Column("day", rank=1),
    Column("note", rank=2),
)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Standard output is a terminal of 80 columns without color."""
    monkeypatch.setattr(tables, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    return monkeypatch


def printed(
    captured: pytest.CaptureFixture[str],
    rows: Sequence[Mapping[str, Any]] = ROWS,
    *,
    wide: bool = False,
) -> list[str]:
    print_table(rows, COLUMNS, wide=wide)
    return captured.readouterr().out.splitlines()


def test_a_row_is_one_line_within_the_terminal(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = printed(capsys)
    assert max(map(len, lines)) <= 80
    assert lines[2].split()[2].endswith(".Address.StreetAddress")
    assert lines[2].split()[2].startswith("….")
    assert lines[-1] == "Columns left out: day; --wide prints all."


def test_wide_prints_every_column_whole(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    head, _, row = printed(capsys, wide=True)
    assert head.split() == ["severity", "rule", "path", "findings", "day"]
    assert row.split()[2:] == [
        "Visit.Insurances[].Insured.Address.StreetAddress",
        "7",
        "2026-03-02",
    ]


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_the_last_part_of_a_path_is_never_broken(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    terminal.setenv("COLUMNS", str(width))
    lines = printed(capsys)
    assert "DOB" in lines[1] and "StreetAddress" in lines[2]
    assert "time_impossible" in lines[1] and "12,345" in lines[1]


def test_color_is_for_terminals_and_off_on_request(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "\x1b" not in "".join(printed(capsys))
    terminal.delenv("NO_COLOR")
    terminal.setenv("TERM", "xterm")
    assert "\x1b[31m" in printed(capsys)[1]
    terminal.setattr(tables, "is_terminal", lambda: False)
    assert "\x1b" not in "".join(printed(capsys))


def test_piped_a_record_is_one_line_with_every_column(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys) == [
        "severity\trule\tpath\tfindings\tday\tnote",
        "error\ttime_impossible\tPatient.Demographics.DOB\t12345\t2026-03-01\t",
        "info\tunlisted_key\tVisit.Insurances[].Insured.Address.StreetAddress\t7\t2026-03-02\t",
    ]


def test_piped_tables_of_one_command_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([{"items": 3}], title="Open items")
    assert capsys.readouterr().out == "table\titems\nOpen_items\t3\n"


def test_piped_sentences_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    say("There are more.")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "There are more.\n")


def test_sentences_are_wrapped_at_words(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.setenv("COLUMNS", "30")
    say("is filled in only 58% of all messages of this source.", lead="North:", indent="- ")
    print_facts({"Home": "/a/folder/whose/name/is/longer/than/the/terminal"})
    assert capsys.readouterr().out.splitlines() == [
        "- North: is filled in only 58%",
        "  of all messages of this",
        "  source.",
        "Home  /a/folder/whose/name/is/longer/than/the/terminal",
    ]


@pytest.mark.parametrize("is_terminal", [True, False])
def test_received_text_does_not_steer_the_terminal(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], is_terminal: bool
) -> None:
    terminal.setattr(tables, "is_terminal", lambda: is_terminal)
    print_table([{"received": "\x1b]0;title\x07[red]\u202eé a\nb\tc"}])
    shown = capsys.readouterr().out
    assert r"\x1b]0;title\x07[red]\u202eé a\nb\tc" in shown
    assert not {"\x1b", "\x07", "\u202e", "\t"} & set(shown)
