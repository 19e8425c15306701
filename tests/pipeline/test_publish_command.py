"""The commands `publish` and `export`: what they print, with which exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from etl.cli.main import main
from tests.pipeline.published_world import make_home, published_home

Captured = pytest.CaptureFixture[str]


def run(home: Path, *arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as leaving:
        patch.setattr("sys.argv", ["redox-warehouse", "--home", str(home), *arguments])
        main()
    return int(leaving.value.code or 0)


def test_publish_tells_version_and_where_to_read_it(tmp_path: Path, capsys: Captured) -> None:
    home = make_home(tmp_path).home
    to_delta = ("--to", "delta", str(tmp_path / "lake"))
    assert run(home, "publish", *to_delta) == 0
    told = capsys.readouterr().out
    assert told.startswith("Published version 1: ")
    assert str(home / "published" / "current" / "warehouse.duckdb") in told
    assert f"Registered version 1 at {tmp_path / 'lake'}: " in told
    assert run(home, "publish", "--json", *to_delta) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["version"], summary["is_new"]) == (1, False)
    assert (summary["delta"]["is_new"], summary["delta"]["tables_changed"]) == (False, 0)
    assert summary["delta"]["tables"] == summary["tables"]


def test_publish_without_a_warehouse_is_a_wrong_call(tmp_path: Path, capsys: Captured) -> None:
    assert run(tmp_path / "none", "publish") == 2
    assert "redox-warehouse load" in capsys.readouterr().err


def test_export_tells_what_went_where(tmp_path: Path, capsys: Captured) -> None:
    home = published_home().home
    assert run(home, "export", str(tmp_path / "out"), "--model", "Device", "--format", "csv") == 0
    assert "of published version 1 to" in capsys.readouterr().out
    assert run(home, "export", str(tmp_path / "out"), "--model", "Device") == 2
    assert "--overwrite" in capsys.readouterr().err
    options = ("--table", "core.load", "--overwrite", "--json")
    assert run(home, "export", str(tmp_path / "out"), *options) == 0
    assert json.loads(capsys.readouterr().out)["tables"] == 1


@pytest.mark.parametrize("command", ["publish", "export"])
def test_help_has_examples_and_exit_codes(command: str, tmp_path: Path, capsys: Captured) -> None:
    assert run(tmp_path, command, "--help") == 0
    told = capsys.readouterr().out
    assert "Examples:" in told and "Exit codes:" in told
