"""Reading writes nothing: a home that cannot be written answers all questions."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from etl.pipeline.publish import publish
from etl.settings import Settings
from tests.pipeline.small_messages import load, make_patient

COMMANDS = ["status", "findings --severity all", "drift", "reliability", "quarantine list",
            "show 0", "rebuild 0", "doctor --offline"]  # fmt: skip
ASK = """
import sys
from etl.cli.main import main
home, *commands = sys.argv[1:]
for command in commands:
    sys.argv = ["redox-warehouse", "--home", home, *command.split()]
    try:
        main()
    except SystemExit as leaving:
        print("exit", command, leaving.code or 0)
"""


@pytest.mark.parametrize("is_published", [False, True])
def test_questions_are_answered_without_writing(settings: Settings, is_published: bool) -> None:
    load(settings, "one", [make_patient("1", {"Sex": "?"}), {"Meta": {"DataModel": "Nothing"}}])
    if is_published:
        publish(settings)
    before = snapshot(settings.home)
    for path in (settings.home, *settings.home.rglob("*")):
        path.chmod(path.stat().st_mode & 0o555)
    done = subprocess.run(
        [*without_root_powers(), sys.executable, "-c", ASK, str(settings.home), *COMMANDS],
        capture_output=True, text=True,
    )  # fmt: skip
    codes = dict(
        line[5:].rsplit(" ", 1) for line in done.stdout.splitlines() if line[:5] == "exit "
    )
    assert codes.pop("doctor --offline") == "1"  # which says that it cannot be written
    assert "could not be made" not in done.stdout
    assert set(codes.values()) == {"0"}, done.stdout + done.stderr
    assert snapshot(settings.home) == before


def snapshot(home: Path) -> dict[str, tuple[int, int]]:
    found = {path: path.stat() for path in home.rglob("*")}
    return {str(path): (one.st_size, one.st_mtime_ns) for path, one in found.items()}


def without_root_powers() -> tuple[str, ...]:
    """A command prefix under which file permissions bind root too."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root without setpriv: permissions do not bind")
    powers = "-dac_override,-dac_read_search"
    return ("setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}")
