"""`redox-warehouse spark-load`: what it refuses in one sentence, and what it prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from etl.cli.main import cli
from tests.delta.spark import require_spark

MESSAGE = (
    '{"Meta": {"DataModel": "PatientAdmin", "EventType": "Arrival"}, "Visit": {"VisitNumber": "1"}}'
)


def run(
    home: Path, *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, as a user has it."""
    return subprocess.run(
        [sys.executable, "-m", "etl.cli", "--home", str(home), *arguments],
        capture_output=True, text=True, check=False, env={**os.environ, **(environment or {})},
    )  # fmt: skip


@pytest.fixture
def messages(tmp_path: Path) -> Path:
    path = tmp_path / "messages.ndjson"
    path.write_text(f"{MESSAGE}\n{MESSAGE}\nnot a message\n", "utf-8")
    return path


def test_without_java_it_says_so(tmp_path: Path, messages: Path) -> None:
    require_spark()
    environment = {"PATH": "/nowhere", "JAVA_HOME": ""}
    done = run(
        tmp_path / "home", "spark-load", "--master", "local[1]", str(messages),
        environment=environment,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.strip().endswith(
        "Spark needs Java; install Java 17 or set JAVA_HOME, then run it again."
    )
    assert "Traceback" not in done.stderr


def test_without_pyspark_it_names_the_extra(tmp_path: Path, messages: Path) -> None:
    (tmp_path / "pyspark.py").write_text("raise ImportError", "utf-8")
    environment = {"PYTHONPATH": str(tmp_path)}
    done = run(
        tmp_path / "home", "spark-load", "--master", "local[1]", str(messages),
        environment=environment,
    )  # fmt: skip
    assert done.returncode == 2
    assert "redox-warehouse[spark]" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_cluster_it_asks_for_one(tmp_path: Path, messages: Path) -> None:
    done = run(tmp_path / "home", "spark-load", str(messages))
    assert done.returncode == 2
    assert "--master" in done.stderr


@pytest.mark.spark
def test_it_prints_counts_and_the_version(
    tmp_path: Path, messages: Path, spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the session that is there; the asset's test has the command start one of its own."""
    monkeypatch.setattr("etl.lake.session.open_session", lambda *_, **__: nullcontext(spark))
    command = ["--home", str(tmp_path / "home"), "spark-load", "--master", "local[1]"]
    done = CliRunner().invoke(cli, [*command, "--json", str(messages)], standalone_mode=False)
    counts = json.loads(done.stdout)
    assert done.return_value == 3
    assert (counts["loaded"], counts["duplicate"], counts["quarantined"]) == (1, 1, 1)
    assert counts["version"] == 1
    again = CliRunner().invoke(cli, [*command, str(messages)], standalone_mode=False)
    assert again.return_value == 0
    assert again.stdout.splitlines()[-1].startswith("received 0 = loaded 0 ")


@pytest.mark.spark
def test_a_cluster_that_is_not_there_is_one_sentence(tmp_path: Path, messages: Path) -> None:
    require_spark()
    done = run(tmp_path / "home", "spark-load", "--remote", "sc://127.0.0.1:9", str(messages))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "run the command again" in done.stderr
