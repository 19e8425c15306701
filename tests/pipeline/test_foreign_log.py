"""DuckDB's log of another file beside the warehouse: dropped where nothing is missing without it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from etl.cli.opening import open_loader
from etl.errors import PermanentError
from etl.pipeline.compact import compact
from etl.pipeline.recover import recover
from etl.settings import Settings, read_settings
from etl.warehouse import compact as compacting
from etl.warehouse.connection import log_of
from tests.pipeline.small_messages import ask, load, make_patient

KILLED = """
import os, sys
from pathlib import Path
from etl.warehouse.connection import open_warehouse
with open_warehouse(Path(sys.argv[1]), read_only=False) as connection:
    connection.execute("create table core.left_over as select 1 as number")
    os._exit(0)
"""


def leave_log(settings: Settings) -> bytes:
    """The log that a killed process leaves."""
    subprocess.run([sys.executable, "-c", KILLED, str(settings.warehouse_path)], check=True)
    return log_of(settings.warehouse_path).read_bytes()


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    settings = read_settings(tmp_path / "home")
    load(settings, "first", [make_patient("1", {"Sex": "Female"})])
    return settings


@pytest.fixture
def disturbed(home: Settings) -> Settings:
    """A warehouse that was compacted, beside the log of the file before."""
    log = leave_log(home)
    compact(home)
    log_of(home.warehouse_path).write_bytes(log)
    with pytest.raises(PermanentError):
        ask(home, "select 1")
    return home


def load_more(settings: Settings) -> None:
    assert load(settings, "second", [make_patient("2", {})]).loaded == 1


def recover_home(settings: Settings) -> None:
    with open_loader(settings) as loader:
        recover(loader)


@pytest.mark.parametrize("act", [load_more, recover_home, compact])
def test_every_writer_drops_it(disturbed: Settings, act: Callable[[Settings], object]) -> None:
    act(disturbed)
    assert not log_of(disturbed.warehouse_path).exists()
    assert ask(disturbed, "select count(*) from core.message")[0][0] >= 1
    assert list(disturbed.home.glob("*.foreign")) == []


def test_it_stays_where_the_warehouse_is_an_older_one(disturbed: Settings) -> None:
    log = log_of(disturbed.warehouse_path).read_bytes()
    log_of(disturbed.warehouse_path).unlink()
    older = disturbed.home.with_name("older.duckdb")
    shutil.copyfile(disturbed.warehouse_path, older)
    load_more(disturbed)
    shutil.copyfile(older, disturbed.warehouse_path)
    log_of(disturbed.warehouse_path).write_bytes(log)
    with pytest.raises(PermanentError, match="different times"):
        load_more(disturbed)
    assert log_of(disturbed.warehouse_path).read_bytes() == log
    recover_home(disturbed)
    assert ask(disturbed, "select count(*) from core.message") == [(2,)]


def test_a_compaction_ends_when_something_else_writes(
    home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = compacting._copy

    def copy_while_another_writes(path: Path, new: Path) -> None:
        copy(path, new)
        leave_log(home)

    monkeypatch.setattr(compacting, "_copy", copy_while_another_writes)
    before = home.warehouse_path.stat().st_ino
    with pytest.raises(PermanentError, match="Another program writes"):
        compact(home)
    assert home.warehouse_path.stat().st_ino == before
    assert list(home.home.glob("*.new*")) == []
    load_more(home)


def test_a_new_warehouse_has_no_log_of_the_one_before(home: Settings) -> None:
    leave_log(home)
    home.warehouse_path.unlink()
    recover_home(home)
    assert ask(home, "select count(*) from core.message") == [(1,)]
