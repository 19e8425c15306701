"""The command line as a user calls it: through its one door, with what it prints."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from etl.cli.main import main


@dataclass(frozen=True)
class Told:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


@dataclass
class CommandLine:
    """`redox-warehouse --home HOME ...`, run in this process."""

    home: Path
    captured: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> Told:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as leaving:
            patch.setattr("sys.argv", ["redox-warehouse", "--home", str(self.home), *arguments])
            main()
        printed = self.captured.readouterr()
        return Told(int(leaving.value.code or 0), printed.out, printed.err)
