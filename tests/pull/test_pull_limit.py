"""The rate limit: a fake clock shows that no window ever holds more than the limit."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.pull.limit import SlidingWindow


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        await asyncio.sleep(0)


def make_window(limit: int, window_s: float, clock: Clock) -> SlidingWindow:
    return SlidingWindow(limit, window_s=window_s, clock=clock, sleep=clock.sleep)


def most_in_a_window(spans: list[tuple[float, float]], window_s: float) -> int:
    """The most requests any server clock can see in a window, placing each where it hurts."""
    edges = [start for start, _ in spans]
    return max(
        sum(1 for start, end in spans if end > edge - window_s and start <= edge) for edge in edges
    )


@settings(deadline=None)
@given(
    limit=st.integers(1, 5),
    takes_s=st.lists(st.integers(0, 24).map(lambda eighths: eighths / 8), min_size=1, max_size=40),
    parallel=st.integers(1, 6),
)
def test_no_window_holds_more_than_the_limit(
    limit: int, takes_s: list[float], parallel: int
) -> None:
    clock = Clock()
    window = make_window(limit, 10.0, clock)
    spans: list[tuple[float, float]] = []
    todo = iter(takes_s)

    async def work() -> None:
        for took_s in todo:
            async with window.slot():
                start = clock()
                await clock.sleep(took_s)
            spans.append((start, clock()))

    async def run() -> None:
        await asyncio.gather(*(work() for _ in range(parallel)))

    asyncio.run(run())
    assert len(spans) == len(takes_s)
    assert most_in_a_window(spans, 10.0) <= limit


def test_requests_of_an_earlier_process_count() -> None:
    clock = Clock()
    window = make_window(3, 10.0, clock)
    window.remember([2.0, 9.0, 11.0])
    starts = asyncio.run(_starts(window, clock, 3))
    assert starts == pytest.approx([1000.0, 1001.0, 1008.0])


def test_a_hold_stops_everybody() -> None:
    clock = Clock()
    window = make_window(100, 10.0, clock)
    window.hold(5.0)
    window.hold(2.0)
    assert asyncio.run(_starts(window, clock, 2)) == pytest.approx([1005.0, 1005.0])


async def _starts(window: SlidingWindow, clock: Clock, count: int) -> list[float]:
    starts = []
    for _ in range(count):
        async with window.slot():
            starts.append(clock())
    return starts
