"""The calendar of a run and the pools of times, refreshed in place when the day changes.

Times are canonical, `YYYY-MM-DDThh:mm:ss.sssZ`; dates `YYYY-MM-DD`; all UTC.
"""

from __future__ import annotations

import random
from datetime import date, timedelta

from models.catalog.records import Field, Temporal

DAY_MS = 86_400_000
# kind -> pool length and the range in days relative to the day of the message
SPANS = {
    "recent": (2_003, -3, 0),
    "before": (1_021, -9, -4),
    "past": (1_013, -900, -4),
    "future": (1_019, 1, 400),
}
BIRTH_YEARS = (1931, 2023)
# What ends is later than what begins, or messages would break the rules of plausibility.csv.
FUTURE_NAMES = ("end", "expir", "scheduled", "estimated", "serviceend", "latest")
BEFORE_NAMES = ("collection", "service")
PAST_NAMES = ("start", "effective", "onset", "issue", "manufacture", "lastrefill")


def time_text(day: date, ms: int) -> str:
    """The canonical text of an instant: a day and the milliseconds since its midnight, UTC."""
    seconds, millis = divmod(ms, 1000)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return f"{day.isoformat()}T{hour:02d}:{minute:02d}:{second:02d}.{millis:03d}Z"


def birth_dates(rng: random.Random, count: int) -> list[str]:
    """Dates of birth, none of them a placeholder such as 1900-01-01."""
    first = date(BIRTH_YEARS[0], 1, 2)
    days = (date(BIRTH_YEARS[1], 12, 30) - first).days
    return [(first + timedelta(rng.randrange(days))).isoformat() for _ in range(count)]


def span_of(name: str) -> str:
    """Which span fits a field of this name."""
    lower = name.lower()
    if lower.startswith(FUTURE_NAMES):
        return "future"
    if lower == "datetime" or lower.startswith(BEFORE_NAMES):
        return "before"
    return "past" if lower.startswith(PAST_NAMES) else "recent"


class Clock:
    """The pools of times around the current day."""

    def __init__(self, *, seed: int, first_day: date) -> None:
        self._offsets: dict[str, list[tuple[int, int]]] = {}
        self._pools: dict[tuple[str, Temporal], list[bytes]] = {}
        for span, (count, low, high) in SPANS.items():
            rng = random.Random(f"{seed}/clock/{span}")
            self._offsets[span] = [
                (rng.randint(low, high), rng.randrange(DAY_MS)) for _ in range(count)
            ]
            for temporal in Temporal:
                self._pools[span, temporal] = [b""] * count
        births = birth_dates(random.Random(f"{seed}/clock/birth"), 4_093)
        self._births = [f'"{text}"'.encode() for text in births]
        self.day = first_day
        self.set_day(first_day)

    def set_day(self, day: date) -> None:
        """Move to a day; every pool handed out before shows times around it from now on."""
        self.day = day
        for span, offsets in self._offsets.items():
            times, dates = self._pools[span, Temporal.DATETIME], self._pools[span, Temporal.DATE]
            for place, (days, ms) in enumerate(offsets):
                moment = day + timedelta(days)
                times[place] = f'"{time_text(moment, ms)}"'.encode()
                dates[place] = f'"{moment.isoformat()}"'.encode()

    def pool(self, field: Field, name: str) -> list[bytes]:
        """The pool of a temporal field; `name` is the pool its value rule asks for."""
        temporal = field.temporal or Temporal.DATE
        if name == "date.birth" and temporal is Temporal.DATE:
            return self._births
        kind, _, rest = name.partition(".")
        span = rest if kind == "time" and rest in SPANS else span_of(field.name)
        return self._pools[span, temporal]
