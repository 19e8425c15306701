"""The command `pull`: plans, summaries, exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from etl.cli.pull import pull as command
from etl.errors import UsageFault
from etl.settings import Settings
from tests.pull.builders import make_query, write_requests
from tests.standin.faults import Fault
from tests.standin.redox import StandIn


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    query = make_query() | {"Start": "{{day}}"}
    return write_requests(tmp_path / "requests", [query])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "patients.csv"
    file.write_text("patient_id\nP1\nP2\nP3\n")
    return file


def run(settings: Settings, *arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(one) for one in arguments], obj=settings)


def summary_of(result: Result) -> dict[str, Any]:
    content = json.loads(result.stdout)
    assert isinstance(content, dict)
    return content


def test_a_dry_run_tells_the_plan_and_sends_nothing(
    settings: Settings, standin: StandIn, requests: Path, table: Path
) -> None:
    range_given = ["--since", "2026-01-01", "--until", "2026-01-31"]
    result = run(settings, requests, "--table", table, *range_given, "--dry-run", "--json")
    assert result.exit_code == 0
    assert summary_of(result) == {
        "planned": 93,
        "landed_before": 0,
        "to_ask": 93,
        "least_s": 0,
        "queries": {"PatientSearch Query": 93},
    }
    assert standin.queries.seen_at == []
    assert not settings.home.exists()


def test_a_broken_file_does_not_hide_the_faults_of_the_others(
    settings: Settings, requests: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    result = run(settings, requests, broken)
    assert isinstance(result.exception, UsageFault)
    told = str(result.exception)
    for fault in ("file 2 is not JSON", "asks for a day", "needs {{patient_id}}"):
        assert fault in told


def test_a_summary_accounts_for_every_request(
    settings: Settings, standin: StandIn, requests: Path, table: Path
) -> None:
    standin.faults.add([Fault(errors=True), Fault(status=404)])
    result = run(settings, requests, "--table", table, "--day", "2026-01-01", "--json")
    assert result.exit_code == 1
    told = summary_of(result)
    assert told["failures"] == {"status_404": 1}
    assert told["replies"] == {"PatientSearch Response": 2}
    parts = ("landed_before", "landed", "failed", "not_asked")
    assert told["planned"] == sum(told[part] for part in parts) == 3
    assert (told["with_errors"], told["sent"]) == (1, 4)


def test_a_summary_reads_well(
    settings: Settings, standin: StandIn, requests: Path, table: Path
) -> None:
    standin.faults.add([Fault(errors=True)])
    first = run(settings, requests, "--table", table, "--day", "2026-01-01", "--parallel", "2")
    assert "       3 PatientSearch Response" in first.stdout
    assert "1 replies list errors (Meta.Errors)" in first.stdout
    second = run(settings, requests, "--table", table, "--day", "2026-01-01")
    assert second.exit_code == 0
    assert "0 replies landed. Of 3 requests 3 were answered before" in second.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--day", "2026-01-01", "--since", "2026-01-01"],
        ["--since", "2026-01-01"],
        ["--until", "2026-01-01"],
        ["--since", "2026-01-02", "--until", "2026-01-01"],
        [],
    ],
)
def test_a_wrong_call_is_a_usage_fault(
    arguments: list[str], settings: Settings, requests: Path, table: Path
) -> None:
    result = run(settings, requests, "--table", table, *arguments)
    assert getattr(result.exception, "exit_code", None) == 2
