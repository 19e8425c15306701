"""Runs the code of a page as its reader would: in order, in one folder, on one home.

`sh` blocks run in bash, environment and folder carried on; `console` blocks are commands after `$ `
with the output that they print on a terminal of 80 columns, where `...` stands for anything; `sql`
runs on what is published, `python` as a script. A block that says `needs=...` is not run.
"""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import termios
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

import duckdb

from tests.packaging.documents import Block

NEEDS = {"make", "redox", "bucket", "root", "browser", "cluster"}
"""What a block may need that a test does not have."""
RUNNABLE = {"sh", "console", "sql", "python"}
_LONGEST_S = 600
_STATE = ".page-state.sh"


def is_run(block: Block) -> bool:
    """True if the block is code that a test can run; raises if it needs something unknown."""
    need = block.options.removeprefix("needs=")
    if block.options and (block.options == need or need not in NEEDS):
        raise AssertionError(f"unknown words behind a block's language: {block.options}")
    return block.language in RUNNABLE and not block.options


@dataclass
class PageSession:
    """A reader's folder, in which `.redox-warehouse` is a loaded and published home."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    _groups: list[int] = field(default_factory=list)

    def close(self) -> None:
        """End what the page started in the background."""
        for group in self._groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGTERM)

    def run(self, block: Block) -> None:
        """Run one block; raises AssertionError that shows what went otherwise."""
        run = {
            "sh": self._shell, "console": self._console, "sql": self._sql, "python": self._python
        }  # fmt: skip
        run[block.language](block.text)

    def _shell(self, text: str) -> None:
        code, printed = self._bash(text)
        assert code == 0, f"exit code {code} of\n{text}\n{printed}"

    def _console(self, text: str) -> None:
        for command, expected in _commands(text):
            _, printed = self._bash(command)
            assert _matches(expected, printed), f"$ {command}\n{printed}"

    def _sql(self, text: str) -> None:
        file = self._home() / "published" / "current" / "warehouse.duckdb"
        with duckdb.connect(str(file.resolve()), read_only=True) as connection:
            connection.execute("set timezone = 'UTC'")
            for statement in filter(str.strip, text.split(";")):
                connection.execute(statement).fetchall()

    def _python(self, text: str) -> None:
        ran = subprocess.run(
            [sys.executable, "-c", text], cwd=self.folder, capture_output=True, text=True,
            timeout=_LONGEST_S, check=False,
        )  # fmt: skip
        assert ran.returncode == 0, f"{text}\n{ran.stdout}{ran.stderr}"

    def _home(self) -> Path:
        code, printed = self._bash('echo "${REDOX_WAREHOUSE_HOME:-.redox-warehouse}"')
        assert code == 0
        return self.folder / printed.strip()

    def _bash(self, text: str) -> tuple[int, str]:
        """Run commands on a terminal; what they exported and where they went holds for the next."""
        state = self.folder / _STATE
        script = (
            f"set -e\n[ -f {state} ] && source {state}\n{text}\n"
            f'{{ export -p; printf "cd %q\\n" "$PWD"; }} > {state}\n'
        )
        main, terminal = pty.openpty()
        termios.tcsetwinsize(terminal, (40, 80))
        with subprocess.Popen(
            ["bash", "-c", script], cwd=self.folder, env=self._environment(),
            stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal, start_new_session=True,
        ) as running:  # fmt: skip
            os.close(terminal)
            self._groups.append(running.pid)
            guard = Timer(_LONGEST_S, os.killpg, (running.pid, signal.SIGKILL))
            guard.start()
            printed = _read(main)
            code = running.wait()
            guard.cancel()
        return code, printed

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items()
                if not name.startswith(("REDOX_WAREHOUSE", "DAGSTER"))}  # fmt: skip
        path = f"{Path(sys.executable).parent}:{kept['PATH']}"
        plain = {"PATH": path, "NO_COLOR": "1", "TERM": "xterm", "HOME": str(self.folder)}
        return kept | plain | self.environment


def _read(main: int) -> str:
    parts = []
    while True:
        try:
            part = os.read(main, 65536)
        except OSError:  # the terminal's other end is closed
            break
        if not part:
            break
        parts.append(part)
    os.close(main)
    return b"".join(parts).decode().replace("\r\n", "\n")


def _commands(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        found.append((command, expected))
    return found


def _matches(expected: str, printed: str) -> bool:
    """True if the lines are the same; `...` stands for any text, alone on a line for any lines."""
    lines = [line.rstrip() for line in expected.strip().splitlines()]
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else f"{r'.*?'.join(map(re.escape, line.split('...')))}\\n"
        for line in lines
    )
    shown = "".join(f"{line.rstrip()}\n" for line in printed.strip().splitlines())
    return re.fullmatch(pattern, shown) is not None
