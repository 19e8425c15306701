"""Who is let in: places for connections, most of them for requests with a valid token.

A connection is verified once the head of its current request carries a valid token, and stays so
until its next request begins. All others share a limited number of places; when these are taken,
a new connection takes the place of the one that has waited longest. So a flood only pushes itself
out, and a sender that shows its token with its first bytes always gets in. How long and how much
an unverified request may send is enforced in `etl.web.protocol`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol

from etl.web.tokens import TokenBook, presented_tokens

MOST_UNVERIFIED = 1024
"""Each may hold 64 KiB; more places only help a flood."""

TURNS_UNTIL_READ = 3
"""Turns of the event loop: accepted in one, read in the next, and one for a crowded one."""


class Guest(Protocol):
    """A connection as the gate sees it."""

    def evict(self) -> None:
        """Close at once, unanswered."""


class Gate:
    """Counts connections. `evicted` counts those that lost their place to a newer one."""

    def __init__(self, tokens: TokenBook, *, max_connections: int) -> None:
        self.max_unverified = max(1, min(MOST_UNVERIFIED, max_connections // 2))
        self.max_verified = max(1, max_connections - self.max_unverified)
        self.evicted = 0
        self._max_unread = max_connections
        self._tokens = tokens
        self._unverified: dict[Guest, int] = {}  # with the turn of their arrival, oldest first
        self._turn = 0
        self._is_trimming = False

    @property
    def unverified(self) -> int:
        return len(self._unverified)

    @property
    def is_crowded(self) -> bool:
        """True if connections without a valid token have taken all of their places."""
        return len(self._unverified) >= self.max_unverified

    def is_valid(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """True if a header carries a valid token."""
        return self._tokens.has_any(presented_tokens(headers))

    def enter(self, guest: Guest) -> None:
        """Give an unverified connection a place; it keeps its turn when it has one."""
        self._unverified.setdefault(guest, self._turn)
        if len(self._unverified) > self._max_unread:
            self._evict_oldest()
        elif len(self._unverified) > self.max_unverified and not self._is_trimming:
            self._is_trimming = True
            asyncio.get_running_loop().call_soon(self._trim)

    def turn_away(self, guest: Guest) -> None:
        """Evict a connection that cannot become a verified one, before an answer costs time."""
        self.leave(guest)
        self.evicted += 1
        guest.evict()

    def leave(self, guest: Guest) -> None:
        """Take back its place: it is verified now, or closed."""
        self._unverified.pop(guest, None)

    def _trim(self) -> None:
        """Evict down to the limit, but none whose first bytes may not have been read yet.

        The loop accepts thousands of connections before it reads from the first of them: what
        came in this turn is read in the next, and its token seen.
        """
        self._turn += 1
        while len(self._unverified) > self.max_unverified and self._is_oldest_read():
            self._evict_oldest()
        self._is_trimming = len(self._unverified) > self.max_unverified
        if self._is_trimming:
            asyncio.get_running_loop().call_soon(self._trim)

    def _is_oldest_read(self) -> bool:
        return self._turn - next(iter(self._unverified.values())) >= TURNS_UNTIL_READ

    def _evict_oldest(self) -> None:
        self.turn_away(next(iter(self._unverified)))
