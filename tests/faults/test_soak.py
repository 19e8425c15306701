"""A short round of the soak that `make soak` runs for as long as asked, and that it resumes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.soak.rounds import KILLED, Soak

QUICK = ("receive", "load", "publish")


def check_rounds(
    folder: Path,
    port: int,
    *,
    rounds: int,
    seconds: float,
    most: int,
    commands: Sequence[str] = KILLED,
    slower: float = 1.0,
) -> None:
    messages = 0
    for _ in range(rounds):
        figures = Soak(folder, port=port).run_round(
            seconds=seconds, every_s=6, most=most, commands=commands, slower=slower
        )
        assert (figures.lost, figures.doubled, figures.unpublished) == (0, 0, 0)
        assert figures.acknowledged > 0
        assert figures.messages > messages
        messages = figures.messages
    assert len((folder / "figures.csv").read_text().splitlines()) == rounds + 1


def test_a_round_loses_and_doubles_nothing(tmp_path: Path, unused_port: int) -> None:
    check_rounds(
        tmp_path / "soak",
        unused_port,
        rounds=1,
        seconds=200,
        most=40,
        commands=QUICK,
        slower=1.5,
    )


@pytest.mark.faults
def test_rounds_that_are_resumed_lose_and_double_nothing(tmp_path: Path, unused_port: int) -> None:
    check_rounds(tmp_path / "soak", unused_port, rounds=3, seconds=60, most=10**6)
