"""The rate limit: at most so many requests in a rolling window, and pauses Redox asks for.

Redox counts 10,000 requests in 5 minutes per IP address (docs: quotas and constraints).
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager

_POLL_S = 0.05


class SlidingWindow:
    """Lets requests through in the order they ask, so that no window holds more than `limit`.

    A request counts from its start until one window after its end: only so is it sure that the
    other side, which sees it somewhere in between, never counts more.
    """

    def __init__(
        self,
        limit: int,
        *,
        window_s: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.limit = limit
        self.sent = 0
        self._window_s = window_s
        self._clock = clock
        self._sleep = sleep
        self._ended: deque[float] = deque()
        self._under_way = 0
        self._held_until = clock()
        self._turn = asyncio.Lock()

    def remember(self, ages_s: Iterable[float]) -> None:
        """Count requests that an earlier process sent so many seconds ago."""
        now = self._clock()
        recent = [now - age for age in ages_s if 0 <= age < self._window_s]
        self._ended = deque(sorted([*self._ended, *recent]))

    def hold(self, seconds: float) -> None:
        """Let nothing through for so long: Redox asked to wait."""
        self._held_until = max(self._held_until, self._clock() + seconds)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a place in the window and hold it during one request."""
        async with self._turn:
            while (wait_s := self._wait_s()) > 0:
                await self._sleep(wait_s)
            self._under_way += 1
            self.sent += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._ended.append(self._clock())

    def _wait_s(self) -> float:
        now = self._clock()
        while self._ended and self._ended[0] <= now - self._window_s:
            self._ended.popleft()
        if now < self._held_until:
            return self._held_until - now
        if self._under_way + len(self._ended) < self.limit:
            return 0
        return self._ended[0] + self._window_s - now if self._ended else _POLL_S
