"""Shows how a load goes: a moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from etl.pipeline.records import Progress as Reporter
from etl.pipeline.records import no_progress
from etl.plurals import counted

if TYPE_CHECKING:
    from rich.progress import Progress

_LINE_EVERY_S = 10.0


@contextmanager
def progress_reporter(*, quiet: bool) -> Iterator[Reporter]:
    """A function that takes (step, messages, bytes) as work goes on."""
    if quiet:
        yield no_progress
        return
    if sys.stderr.isatty():
        with _bar() as bar:
            yield _Bar(bar)
        return
    yield _Lines()


def _bar() -> Progress:
    from rich.console import Console  # takes a tenth of a small load; scripts need none
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("{task.description:<9}"),
        BarColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


class _Bar:
    """Shows how much of what is landed so far is loaded."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("landing", total=None, speed="")
        self._speed = _Speed()

    def __call__(self, step: str, messages: int, size_bytes: int) -> None:
        if step == "landed":
            self._bar.update(self._task, total=(self._bar.tasks[0].total or 0) + size_bytes)
        if step == "loaded":
            self._bar.advance(self._task, size_bytes)
        self._speed.add(step, messages, size_bytes)
        self._bar.update(self._task, description=step, speed=self._speed.text(step))


class _Lines:
    def __init__(self) -> None:
        self._speed = _Speed()
        self._last = time.monotonic()

    def __call__(self, step: str, messages: int, size_bytes: int) -> None:
        self._speed.add(step, messages, size_bytes)
        if step == "loaded" or time.monotonic() - self._last > _LINE_EVERY_S:
            self._last = time.monotonic()
            print(f"{step}, so far {self._speed.text(step)}", file=sys.stderr, flush=True)


class _Speed:
    """What every step has done so far, and how fast since the beginning."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._messages: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    def add(self, step: str, messages: int, size_bytes: int) -> None:
        self._messages[step] += messages
        self._bytes[step] += size_bytes

    def text(self, step: str) -> str:
        seconds = max(time.monotonic() - self._start, 1e-9)
        messages, megabytes = self._messages[step], self._bytes[step] / 1e6
        return (
            f"{counted(messages, 'message')}, {megabytes:,.1f} MB, "
            f"{messages / seconds:,.0f} messages/s, {megabytes / seconds:,.1f} MB/s"
        )
