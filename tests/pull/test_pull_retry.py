"""Pauses between attempts, and what a Retry-After header says."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from etl.pull.retry import RetryPolicy, is_transient, parse_retry_after

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        (" 17 ", 17.0),
        ("Thu, 01 Jan 2026 12:00:30 GMT", 30.0),
        ("Thu, 01 Jan 2026 11:59:00 GMT", 0.0),
        ("Thu, 01 Jan 2026 12:00:30 -0000", 30.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("٣", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str | None, seconds: float | None) -> None:
    assert parse_retry_after(text, NOW) == seconds


@pytest.mark.parametrize(("jitter", "pauses"), [(0.0, [1, 2, 4, 4]), (1.0, [2, 4, 8, 8])])
def test_pauses_double_up_to_the_longest(jitter: float, pauses: list[float]) -> None:
    policy = RetryPolicy(9, 2.0, 8.0, 900.0, jitter=lambda: jitter)
    assert [policy.pause_s(attempt) for attempt in (1, 2, 3, 4000)] == pauses


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_these_statuses_may_pass(status: int) -> None:
    assert is_transient(status)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 413])
def test_these_statuses_stay(status: int) -> None:
    assert not is_transient(status)
