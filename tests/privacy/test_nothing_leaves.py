"""Whatever the caller's umask, folder and memory: values stay in the home, for its owner only."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.cli import main as door
from etl.duckdb_files import connected, limit_memory
from tests.privacy.canaries import CANARIES, message, write_inputs

MEMORY_BYTES = 200 * 2**20
TINY_BYTES = 48 * 2**20
COMMANDS: list[list[str]] = [
    ["load", "INPUT"],
    ["load", "--in-place", "OTHER"],
    ["status"],
    ["findings", "--severity", "all"],
    ["drift", "--write"],
    ["reload"],
    ["quarantine", "list"],
    ["quarantine", "replay"],
    ["show", "1"],
    ["rebuild", "1"],
    ["publish", "--materialize"],
    ["reliability"],
    ["reliability", "--report", "HOME/reports/all.html"],
    ["export", "AREA/handed over"],
    ["doctor", "--offline"],
]


@pytest.fixture
def area(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A disk area with home, inputs, temporary folder and a current folder of its own."""
    for name in ("elsewhere", "temporary"):
        (tmp_path / name).mkdir(mode=0o755)
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setenv("REDOX_WAREHOUSE_LOAD__MEMORY_BYTES", str(MEMORY_BYTES))
    monkeypatch.setattr("tempfile.tempdir", None)
    before = os.umask(0)
    yield tmp_path
    os.umask(before)
    limit_memory(0)


def test_every_command_keeps_values_in_the_home_for_its_owner(
    area: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = write_inputs(area / "inputs")
    names = {"INPUT": inputs["mixed"], "OTHER": inputs["rows"], "AREA": area, "HOME": area / "home"}
    for command in COMMANDS:
        given = [_filled(word, names) for word in command]
        monkeypatch.setattr("sys.argv", ["redox-warehouse", "--home", str(area / "home"), *given])
        os.umask(0)
        with pytest.raises(SystemExit) as leaving:
            door.main()
        assert leaving.value.code in (0, 3), command
    assert outside(area) == []
    assert open_to_others(area / "home") == []
    assert open_to_others(area / "handed over") == []


def _filled(word: str, names: dict[str, Path]) -> str:
    for name, path in names.items():
        word = word.replace(name, str(path))
    return word


def test_what_does_not_fit_into_memory_goes_below_the_home(area: Path) -> None:
    home = area / "home"
    home.mkdir(mode=0o700)
    limit_memory(TINY_BYTES)
    with connected(spill=home / "tmp") as connection:
        connection.execute("set threads = 1")
        connection.execute(
            f"create table t as select i, repeat('{CANARIES[0]}', 20) as s from range(400000) r(i)"
        )
        spilled = [path for path in home.rglob("*") if path.is_file() and path.stat().st_size]
        assert spilled
        assert open_to_others(home / "tmp", folders_only=True) == []
        assert outside(area) == []


def test_what_a_dead_process_spilled_is_removed_by_the_next(area: Path) -> None:
    home = area / "home"
    home.mkdir(mode=0o700)
    program = (
        "import os, sys; from pathlib import Path; from etl.duckdb_files import spill_folder\n"
        f"folder = spill_folder(Path({str(home)!r}) / 'tmp')\n"
        "(Path(folder) / 'spilled').write_text('x'); print(folder, flush=True); os.abort()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    left = Path(done.stdout.strip())
    assert (left / "spilled").exists()
    with connected(spill=home / "tmp"):
        assert not left.exists()


def test_reader_of_a_folder_that_cannot_be_written_spills_nothing(area: Path) -> None:
    with connected(spill=area / "missing" / "tmp") as connection:
        found = connection.execute("select current_setting('temp_directory')").fetchall()
        assert found == [("",)]


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(6))
def test_killed_commands_leave_nothing_outside_the_home(area: Path, seed: int) -> None:
    """Kill loads and publications of much at a small memory, and search all that is left."""
    dice = random.Random(seed)
    inputs = area / "inputs" / "many.ndjson"
    inputs.parent.mkdir()
    with inputs.open("w") as file:
        for number in range(20_000):
            file.write(f"{_text(number)}\n")
    for command in (["load", str(inputs)], ["publish", "--materialize"], ["load", str(inputs)]):
        program = "import os; os.umask(0); from etl.cli.main import main; main()"
        with subprocess.Popen(
            [sys.executable, "-c", program, "--home", str(area / "home"), *command],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as process:  # fmt: skip
            time.sleep(dice.uniform(2, 12))
            process.send_signal(signal.SIGKILL)
        assert outside(area) == []
        assert open_to_others(area / "home") == []


def _text(number: int) -> str:
    import json

    return json.dumps(message(f"{number}", Patient={"Notes": [CANARIES[0] * 20]}))


def outside(area: Path) -> list[tuple[str, str]]:
    """Values in files that belong neither to the home nor to the inputs nor to an export."""
    found = []
    for path in area.rglob("*"):
        if path.relative_to(area).parts[0] in ("home", "inputs", "handed over"):
            continue
        if path.is_file():
            content = path.read_bytes()
            found += [(str(path), one) for one in CANARIES if one.encode() in content]
    return found


def open_to_others(root: Path, *, folders_only: bool = False) -> list[str]:
    return [
        f"{path.relative_to(root.parent)} {path.lstat().st_mode & 0o777:o}"
        for path in (root, *sorted(root.rglob("*")))
        if path.lstat().st_mode & 0o077 and not path.is_symlink()
        and (path.is_dir() or not folders_only)
    ]  # fmt: skip


def test_connections_are_opened_where_their_spill_is_placed() -> None:
    """DuckDB's own default is the current folder; publish/stored.py places its spill itself."""
    root = Path(door.__file__).parents[1]
    opened = {
        str(path.relative_to(root)) for path in root.rglob("*.py")
        if "duckdb.connect(" in path.read_text()
    }  # fmt: skip
    assert opened <= {"duckdb_files.py", "publish/stored.py"}
