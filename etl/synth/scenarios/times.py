"""Instants of a story: milliseconds since 1970 UTC, their text, and one of its own per step."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime
from functools import cache

from etl.synth.clock import DAY_MS, time_text

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
EPOCH_DAY = date(1970, 1, 1).toordinal()


def start_of(day: date) -> int:
    """Midnight of a day."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000)


@cache
def _day(number: int) -> date:
    return date.fromordinal(EPOCH_DAY + number)


def text(at: int) -> str:
    """The canonical text of an instant: `YYYY-MM-DDThh:mm:ss.sssZ`."""
    day, ms = divmod(at, DAY_MS)
    return time_text(_day(day), ms)


def date_text(at: int) -> str:
    """The UTC date of an instant."""
    return _day(at // DAY_MS).isoformat()


class Instants:
    """Hands out instants of one story; no two are equal, so that its order is never a tie."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._taken: set[int] = set()

    def take(self, at: int) -> int:
        """The instant itself, or the next free one."""
        while at in self._taken:
            at += 1
        self._taken.add(at)
        return at

    def after(self, at: int, low: float, high: float, unit: int = HOUR_MS) -> int:
        """A free instant between `low` and `high` units after another."""
        return self.take(at + int(self._rng.uniform(low, high) * unit) + 1)
