"""A command starts quickly because it imports only what it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from etl.pipeline.load import load_paths
from etl.settings import read_settings

HEAVY = ("pandas", "sqlalchemy", "duckdb_engine", "dagster", "fsspec.implementations", "jinja2")


def loaded_after(script: str, *arguments: str) -> str:
    """What heavy packages a process has imported when the script ends."""
    code = f"import sys, atexit\natexit.register(lambda: print([n for n in {HEAVY} if n in sys.modules]))\n"
    done = subprocess.run(
        [sys.executable, "-c", code + script, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.stdout.strip().splitlines()[-1]


def test_a_load_into_a_known_warehouse_imports_nothing_heavy(tmp_path: Path) -> None:
    message = (
        '{"Meta": {"DataModel": "PatientAdmin", "EventType": "Arrival", "Logs": [{"ID": "%d"}]}}'
    )
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    first.write_text(message % 1)
    second.write_text(message % 2)
    load_paths(read_settings(tmp_path / "home"), [str(first)])
    script = "from etl.cli.main import main; main()"
    heavy = loaded_after(script, "--home", str(tmp_path / "home"), "load", str(second), "--json")
    assert heavy == "[]"


@pytest.mark.parametrize("call", ["--version", "load --help"])
def test_help_imports_nothing_heavy(call: str) -> None:
    assert loaded_after("from etl.cli.main import main; main()", *call.split()) == "[]"
