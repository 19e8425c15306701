"""A registration that is killed anywhere and run again ends as one that was not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from deltalake import DeltaTable

from etl.publish.delta import place, table, versions
from tests.delta.small_home import SmallHome

# Every act that changes something at the target, by where it is looked up.
STEPS = (
    (place.Folder, "put"),
    (place.Folder, "remove"),
    (place.Folder, "settle"),
    (table, "create_table_with_add_actions"),
    (versions, "create_table_with_add_actions"),
    (DeltaTable, "create_write_transaction"),
    (table.TableRegistration, "_describe"),
)
_CHILD = """
import os, signal, sys
from pathlib import Path
from etl.pipeline.delta import register_delta
from etl.settings import read_settings
from tests.delta.test_registration_killed import dooming

def die():
    os.kill(os.getpid(), signal.SIGKILL)

with dooming(int(sys.argv[1]), is_after=sys.argv[2] == "after", die=die):
    register_delta(read_settings(Path(sys.argv[3])), sys.argv[4], keep_hours=0)
"""


class Killed(BaseException):
    """Stands for the end of the process: nothing of ours may catch it."""


class dooming:
    """While it lasts, the process dies at the n-th step, before it or right after it."""

    def __init__(self, count: int, *, is_after: bool, die: object = None) -> None:
        self.count, self.is_after = count, is_after
        self.die = die or self._raise
        self.patch = pytest.MonkeyPatch()

    def __enter__(self) -> None:
        for owner, name in STEPS:
            self.patch.setattr(owner, name, self._doomed(getattr(owner, name)))

    def __exit__(self, *_: object) -> None:
        self.patch.undo()

    def _doomed(self, step):  # type: ignore[no-untyped-def]
        def call(*arguments, **named):  # type: ignore[no-untyped-def]
            self.count -= 1
            if self.count <= 0 and not self.is_after:
                self.die()
            done = step(*arguments, **named)
            if self.count <= 0:
                self.die()
            return done

        return call

    @staticmethod
    def _raise() -> None:
        raise Killed


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> SmallHome:
    """Version 1 is registered; version 2 changes, adds, empties, describes and drops tables."""
    home = SmallHome(tmp_path_factory.mktemp("killed"))
    home.load(20)
    home.load(10, slice_number=1)
    home.publish()
    home.register()
    home.load(5, slice_number=1)
    home.warehouse.execute("create table claim.lines (message_id bigint not null, code varchar)")
    home.warehouse.execute("insert into claim.lines values (1, 'x')")
    home.warehouse.execute("drop table quality.field cascade")
    home.warehouse.execute(
        "create table quality.field (table_schema varchar, data_model varchar, n int)"
    )
    home.warehouse.execute("insert into quality.field values ('orders', 'Order', 1)")
    home.warehouse.execute("comment on column orders.message.weight is 'In kilograms'")
    home.warehouse.execute("drop table claim.message")
    home.publish()
    return home


@pytest.fixture
def lake(template: SmallHome, tmp_path: Path) -> Iterator[Path]:
    """A copy of the target after version 1, which the home takes for the one it knows."""
    original = template.lake
    template.lake = tmp_path / "lake"
    shutil.copytree(original, template.lake)
    (template.lake / "orders" / "message" / "writing-0-2-of-a-killed-copy.parquet").touch()
    yield template.lake
    template.lake = original


def assert_is_whole(home: SmallHome) -> None:
    assert home.differing() == []
    noted = [row for row in home.rows("published.version").to_pylist() if row["version"] == 2]
    names = Counter(f"{row['table_schema']}.{row['table_name']}" for row in noted)
    assert set(names) == {*home.names(), "claim.message"}
    assert set(names.values()) == {1}
    for row in noted:
        name = f"{row['table_schema']}.{row['table_name']}"
        assert row["delta_version"] == home.delta(name).version()
        assert row["row_count"] == home.rows(name).num_rows
        assert_names_are_used_once(home, name)
        assert_nothing_is_left_over(home, name)
    comments = {
        field.name: field.metadata for field in home.delta("orders.message").schema().fields
    }
    assert comments["weight"] == {"comment": "In kilograms"}


def assert_nothing_is_left_over(home: SmallHome, name: str) -> None:
    active = {Path(uri).name for uri in home.delta(name).file_uris()}
    folder = home.lake.joinpath(*name.split("."))
    assert {path.name for path in folder.iterdir() if path.is_file()} == active, name


def assert_names_are_used_once(home: SmallHome, name: str) -> None:
    logs = home.lake.joinpath(*name.split("."), "_delta_log").glob("*.json")
    lines = [json.loads(line) for log in logs for line in log.read_text("utf-8").splitlines()]
    added = Counter(line["add"]["path"] for line in lines if "add" in line)
    assert set(added.values()) <= {1}


def run_doomed(home: SmallHome, step: int, *, is_after: bool) -> bool:
    """Register, killed at a step; False when there are not so many."""
    with dooming(step, is_after=is_after):
        try:
            home.register(keep_hours=0)
        except Killed:
            return True
    return False


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("step", [4, 12])
def test_killed_at_a_step_and_run_again(
    template: SmallHome, lake: Path, step: int, is_after: bool
) -> None:
    assert run_doomed(template, step, is_after=is_after)
    template.register(keep_hours=0)
    assert_is_whole(template)


def test_killed_at_every_step_one_after_the_other(template: SmallHome, lake: Path) -> None:
    step = 1
    while run_doomed(template, step, is_after=step % 2 == 0):
        step += 1
    assert step > 3
    assert_is_whole(template)


@pytest.mark.faults
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("step", range(1, 30, 3))
def test_kill_9_and_run_again(template: SmallHome, lake: Path, step: int, moment: str) -> None:
    home = str(template.settings.home)
    killed = subprocess.run(
        [sys.executable, "-c", _CHILD, str(step), moment, home, str(lake)],
        env={**os.environ, "PYTHONPATH": "."},
    )
    assert killed.returncode in (-signal.SIGKILL, 0)
    template.register(keep_hours=0)
    assert_is_whole(template)
