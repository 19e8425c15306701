"""How many body bytes may be in memory at once. What a body is lives in `etl.web.body`."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from etl.web.refusals import Reason, Refusal

WAIT_FOR_ROOM_S = 2.0
"""A full budget first slows the senders down; only when that does not help they are refused."""


class InFlightBudget:
    """Bytes leased to requests that are not answered yet."""

    def __init__(self, limit_bytes: int, *, wait_s: float = WAIT_FOR_ROOM_S) -> None:
        self.used_bytes = 0
        self._limit_bytes = limit_bytes
        self._wait_s = wait_s
        self._freed = asyncio.Event()

    def lease(self) -> Lease:
        """Begin a lease of no bytes; use it as a context manager."""
        return Lease(self)

    async def take(self, count: int) -> None:
        """Wait for room and take it; raises Refusal when none comes free in time."""
        if self.used_bytes + count > self._limit_bytes:
            await self._wait_for_room(count)
        self.used_bytes += count

    def give_back(self, count: int) -> None:
        self.used_bytes -= count
        self._freed.set()

    async def _wait_for_room(self, count: int) -> None:
        try:
            async with asyncio.timeout(self._wait_s):
                while self.used_bytes + count > self._limit_bytes:
                    self._freed.clear()
                    await self._freed.wait()
        except TimeoutError:
            raise Refusal(Reason.OVERLOADED) from None


class Lease:
    """The part of the budget that one request holds; given back when the request is answered."""

    __slots__ = ("_budget", "held_bytes")

    def __init__(self, budget: InFlightBudget) -> None:
        self._budget = budget
        self.held_bytes = 0

    async def grow_to(self, size_bytes: int) -> None:
        """Hold at least so many bytes."""
        if size_bytes > self.held_bytes:
            more = size_bytes - self.held_bytes
            await self._budget.take(more)
            self.held_bytes += more

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._budget.give_back(self.held_bytes)
        self.held_bytes = 0
