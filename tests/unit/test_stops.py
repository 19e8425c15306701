"""A command that is stopped says one sentence and ends by its signal, whatever it is doing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SENTENCE = "redox-warehouse: Stopped; run the command again to resume.\n"
STOPPED = """
import os, sys
from etl.cli.__main__ import main

class Stopping:
    def find_spec(self, name, path, target=None):
        if name == MODULE:
            os.kill(os.getpid(), NUMBER)

sys.meta_path.insert(0, Stopping())
sys.argv[1:] = ["status"]
main()
"""
IN_A_QUERY = """
import os, sys, threading
import click
from etl.cli import main, stops
from etl.warehouse.connection import open_in_memory

@click.command()
def ask():
    with open_in_memory(spill=None) as connection:
        threading.Timer(0.3, os.kill, (os.getpid(), NUMBER)).start()
        connection.execute("select count(*) from range(10000000000000) t(i) where i % 7 = 3")

stops.CLEANED_WITHIN_S = 2
stops.heed_stops()
main.cli = ask
main.main()
"""


def run(
    program: str, number: int, home: Path, module: str = ""
) -> subprocess.CompletedProcess[str]:
    settled = program.replace("NUMBER", str(int(number))).replace("MODULE", repr(module))
    return subprocess.run(
        [sys.executable, "-c", settled], capture_output=True, text=True, timeout=60,
        env=os.environ | {"REDOX_WAREHOUSE_HOME": str(home)},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("module", "number"),
    [
        ("click", signal.SIGINT),
        ("models.catalog", signal.SIGTERM),
        ("duckdb", signal.SIGTERM),
        ("etl.pipeline.status", signal.SIGHUP),
    ],
)
def test_a_stop_amid_an_import_is_a_sentence(
    tmp_path: Path, module: str, number: signal.Signals
) -> None:
    done = run(STOPPED, number, tmp_path, module)
    assert (done.returncode, done.stderr.lstrip("\n")) == (-number, SENTENCE)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_in_a_query_is_no_fault_of_duckdb(tmp_path: Path, number: signal.Signals) -> None:
    done = run(IN_A_QUERY, number, tmp_path)
    if done.returncode != -signal.SIGALRM:  # where DuckDB goes on with the query
        assert (done.returncode, done.stderr.lstrip("\n")) == (128 + number, SENTENCE)


def test_where_memory_ends_is_no_internal_error(tmp_path: Path) -> None:
    program = IN_A_QUERY.replace("connection.execute(", "raise MemoryError(")
    done = run(program.replace("threading.Timer", "len('') or threading.Timer"), 0, tmp_path)
    assert done.stderr.startswith("redox-warehouse: There is not enough memory; ")
    assert done.returncode == 1


def test_a_hangup_that_nohup_has_us_ignore_stays_ignored(tmp_path: Path) -> None:
    program = f"import signal\nsignal.signal(signal.SIGHUP, signal.SIG_IGN)\n{STOPPED}"
    done = run(program, signal.SIGHUP, tmp_path, "duckdb")
    assert "Stopped" not in done.stderr
    assert done.returncode >= 0
