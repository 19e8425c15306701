"""When to try again, and how long to wait before. Sends nothing itself."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

TRANSIENT_STATUSES = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently: pauses double from `backoff_s`, with jitter."""

    max_attempts: int
    backoff_s: float
    longest_backoff_s: float
    longest_retry_after_s: float
    jitter: Callable[[], float] = random.random

    def pause_s(self, attempt: int) -> float:
        """Seconds to wait after the failed `attempt` (from 1): half fixed, half random.

        The random half keeps parallel requests from all coming back at the same moment.
        """
        longest = min(self.longest_backoff_s, self.backoff_s * 2.0 ** min(attempt - 1, 30))
        return longest / 2 + longest / 2 * self.jitter()


def is_transient(status: int) -> bool:
    """True if the same request may succeed later."""
    return status >= 500 or status in TRANSIENT_STATUSES


def parse_retry_after(text: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header (RFC 9110: seconds or a date), None if unusable."""
    if text is None:
        return None
    stripped = text.strip()
    if stripped.isascii() and stripped.isdigit():
        return float(stripped[:9])
    try:
        moment = parsedate_to_datetime(stripped)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())
