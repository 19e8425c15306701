"""Shows how a load goes: a moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from etl.pipeline.records import Progress as Reporter
from etl.pipeline.records import no_progress

_LINE_EVERY_S = 10.0


@contextmanager
def progress_reporter(*, quiet: bool) -> Iterator[Reporter]:
    """A function that takes (step, messages, bytes) as work goes on."""
    if quiet:
        yield no_progress
        return
    console = Console(stderr=True)
    if console.is_terminal:
        with _bar(console) as bar:
            yield _Bar(bar)
        return
    yield _Lines()


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<9}"),
        BarColumn(),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(),
        console=console,
    )


class _Bar:
    """Every byte is landed, judged and flattened; the bar counts all three."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("landing", total=None, speed="")
        self._speed = _Speed()

    def __call__(self, step: str, messages: int, size_bytes: int) -> None:
        if step == "landed":
            self._bar.update(self._task, total=(self._bar.tasks[0].total or 0) + 2 * size_bytes)
        if step in ("judged", "flattened"):
            self._bar.advance(self._task, size_bytes)
        if step == "flattened":
            self._speed.add(messages, size_bytes)
        self._bar.update(self._task, description=step, speed=self._speed.text())


class _Lines:
    def __init__(self) -> None:
        self._speed = _Speed()
        self._last = time.monotonic()

    def __call__(self, step: str, messages: int, size_bytes: int) -> None:
        if step == "flattened":
            self._speed.add(messages, size_bytes)
        if step == "loaded" or time.monotonic() - self._last > _LINE_EVERY_S:
            self._last = time.monotonic()
            print(f"{step}, so far {self._speed.text()}", file=sys.stderr, flush=True)


class _Speed:
    def __init__(self) -> None:
        self._start = time.monotonic()
        self._messages = 0
        self._bytes = 0

    def add(self, messages: int, size_bytes: int) -> None:
        self._messages += messages
        self._bytes += size_bytes

    def text(self) -> str:
        seconds = max(time.monotonic() - self._start, 1e-9)
        return (
            f"{self._messages:,} messages, {self._bytes / 1e6:,.1f} MB, "
            f"{self._messages / seconds:,.0f} messages/s, {self._bytes / 1e6 / seconds:,.1f} MB/s"
        )
