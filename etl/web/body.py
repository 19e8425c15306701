"""Reads a request's body within its limits. Whether it may be stored is not decided here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from starlette.types import Receive

from etl.web.budget import Lease
from etl.web.refusals import Reason, Refusal

LINGER_S = 5.0
"""So long an unwanted rest is read, so that the sender sees the answer and not a reset."""


class RequestBody:
    """The body of one request, read at most once. `size_bytes` is what came so far."""

    def __init__(self, receive: Receive, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.size_bytes = 0
        self.is_complete = False
        self.receive = receive
        self._declared_bytes = _declared_bytes(headers)

    async def read(self, *, max_bytes: int, lease: Lease) -> bytes:
        """Read all of it; raises Refusal: too large, no room in memory, or cut by the sender."""
        if self._declared_bytes > max_bytes:
            raise Refusal(Reason.TOO_LARGE)
        await lease.grow_to(self._declared_bytes)
        first = await self._next_chunk(max_bytes=max_bytes, lease=lease)
        if self.is_complete:
            return first
        collected = bytearray(first)
        while not self.is_complete:
            collected += await self._next_chunk(max_bytes=max_bytes, lease=lease)
        return bytes(collected)

    async def discard(self) -> None:
        """Read on without keeping anything, for a short while."""
        try:
            async with asyncio.timeout(LINGER_S):
                while not self.is_complete:
                    await self._take()
        except (TimeoutError, Refusal):
            return

    async def _next_chunk(self, *, max_bytes: int, lease: Lease) -> bytes:
        chunk = await self._take()
        if self.size_bytes > max_bytes:
            raise Refusal(Reason.TOO_LARGE)
        await lease.grow_to(self.size_bytes)
        return chunk

    async def _take(self) -> bytes:
        event = await self.receive()
        if event["type"] == "http.disconnect":
            raise Refusal(Reason.CUT)
        chunk: bytes = event.get("body", b"")
        self.size_bytes += len(chunk)
        self.is_complete = not event.get("more_body", False)
        return chunk


def _declared_bytes(headers: Iterable[tuple[bytes, bytes]]) -> int:
    """The Content-Length, 0 when the body comes in chunks; the server has checked its form."""
    for name, value in headers:
        if name == b"content-length" and value.strip().isdigit():
            return int(value)
    return 0
