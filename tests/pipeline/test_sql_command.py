"""`redox-warehouse sql`: questions to the published version; nothing changes, nothing else is read."""

from __future__ import annotations

import io
import json
import os
import signal
import threading
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from etl.cli.sql_prompt import Prompt
from etl.errors import UsageFault
from etl.queries.query import Session, open_session
from etl.settings import Settings
from tests.pipeline.command import CommandLine
from tests.pipeline.published_world import current, published_home

MESSAGES = "select data_model, count(*) as n from core.message group by 1 order by 1"


@pytest.fixture(scope="module")
def settings() -> Settings:
    return published_home()


@pytest.fixture
def command(settings: Settings, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(settings.home, capsys)


def test_piped_rows_are_records_and_csv_and_json_hold_the_same(command: CommandLine) -> None:
    records = [line.split("\t") for line in command.run("sql", MESSAGES).out.splitlines()]
    assert records[0] == ["data_model", "n"] and len(records) == 4
    commas = [line.split(",") for line in command.run("sql", MESSAGES, "--csv").out.splitlines()]
    assert commas == records
    objects = json.loads(command.run("sql", MESSAGES, "--json").out)
    assert [[one["data_model"], str(one["n"])] for one in objects] == records[1:]


def test_parquet_goes_to_standard_output_with_its_types(
    settings: Settings, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    command = CommandLine(settings.home, capfdbinary)  # type: ignore[arg-type]
    query = "select message_id, message_id, event_at from core.message"
    told = command.run("sql", query, "--parquet")
    table = pq.read_table(io.BytesIO(told.out))  # type: ignore[arg-type]
    assert table.schema.names == ["message_id", "message_id_2", "event_at"]
    assert str(table.schema.field("event_at").type) == "timestamp[us, tz=UTC]"
    assert table.num_rows > 80


def test_values_are_text_that_reads_back(command: CommandLine) -> None:
    query = (
        "select timestamptz '2026-01-01 06:00:00.5-06' as at, date '2026-01-02' as day, "
        "1.50::decimal(9, 2) as money, [1, 2] as list, null as nothing, true as yes"
    )
    assert command.run("sql", query).out.splitlines()[1].split("\t") == [
        "2026-01-01T12:00:00.500Z", "2026-01-02", "1.50", "[1, 2]", "", "true"
    ]  # fmt: skip
    (found,) = json.loads(command.run("sql", query, "--json").out)
    assert (found["money"], found["list"], found["nothing"]) == (1.5, [1, 2], None)


@pytest.mark.parametrize("zone", ["America/Chicago", "UTC"])
def test_days_are_those_of_utc_wherever_it_runs(
    command: CommandLine, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    told = command.run("sql", "select timestamptz '2026-01-02 01:00:00+00'::date as day")
    assert told.out.splitlines() == ["day", "2026-01-02"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("select no_such from core.message", 'column "no_such" not found'),
        ("selct 1", "syntax error"),
        ("from no.such_table", "does not exist"),
        ("select 1; select 2", "2 statements came"),
        ("/* nothing */", "0 statements came"),
        ("drop table core.message", "Only questions"),
        ("set timezone = 'America/Chicago'", "Only questions"),
        ("attach '/tmp/other.duckdb'", "Only questions"),
        ("copy (select 1) to '{version}/rows.csv'", "Only questions"),
        ("explain analyze copy (select 1) to '{version}/rows.csv'", "Only questions"),
        ("with a as (copy (select 1) to '{version}/rows.csv') from a", "Only questions"),
        ("from read_csv('/etc/passwd')", "published version only"),
        ("select cast(data_model as integer) from core.message", "try_cast"),
    ],
)
def test_a_wrong_query_is_one_sentence_and_quotes_no_value(
    settings: Settings, command: CommandLine, query: str, told: str
) -> None:
    version = current(settings)
    found = command.run("sql", query.format(version=version))
    assert (found.code, found.out) == (2, "")
    assert told in found.err and "Traceback" not in found.err and "Inventory" not in found.err
    assert not (version / "rows.csv").exists()


def test_describe_explain_and_pivot_are_questions(command: CommandLine) -> None:
    assert "last_name" in command.run("sql", "describe mart.patient").out
    assert "physical_plan" in command.run("sql", "explain select 1").out
    pivot = f"pivot ({MESSAGES.removesuffix(' order by 1')}) on data_model using sum(n)"
    assert command.run("sql", pivot).out.splitlines()[0] == "Device\tInventory\tSSO"


def test_without_a_version_it_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = CommandLine(tmp_path / "none", capsys).run("sql", "select 1")
    assert told.code == 2 and "redox-warehouse publish" in told.err


def rows_of(settings: Settings) -> int:
    manifest = json.loads((current(settings) / "manifest.json").read_text())
    return sum(file["rows"] for file in manifest["tables"]["core.message"]["files"])


def test_prompt_takes_lines_until_the_semicolon_and_survives_faults(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = iter(["select count(*)", "from core.message;", "selct;", ".columns mart.patient", ".q"])
    monkeypatch.setattr("builtins.input", lambda _: next(lines))
    shown: list[list[tuple[object, ...]]] = []
    with open_session(settings) as session:
        Prompt(session, lambda result: shown.append(result.rows(100))).run()
    assert shown[0] == [(rows_of(settings),)]
    assert any(row[0] == "last_name" for row in shown[1])
    assert "syntax error" in capsys.readouterr().err


def test_a_session_reads_the_version_it_opened(settings: Settings) -> None:
    with open_session(settings) as session:
        assert session.version == "version 1"
        with pytest.raises(UsageFault):
            _run(session, "create temp table t as select 1")


def _run(session: Session, statement: str) -> None:
    session.run(statement)


def test_ctrl_c_ends_a_long_query_and_the_next_one_runs(settings: Settings) -> None:
    long = "select count(*) from range(20000000000) t(i) where i % 7 = 3"
    with open_session(settings) as session:
        for _ in range(3):
            began = time.monotonic()
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
            with pytest.raises(KeyboardInterrupt):
                session.run(long)
            assert time.monotonic() - began < 5
            assert session.run("select 1").rows(2) == [(1,)]
