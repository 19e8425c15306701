"""The slow reference says of every page's payloads what the page says: two independent readings."""

from __future__ import annotations

import pytest

from tests.golden.loaded import LIMITS
from tests.golden.manual import Case, read_cases
from tests.reference.classify import FITS, KEEPS, UNREADABLE, classify
from tests.reference.shapes import read_listed

LISTED = read_listed()
BESIDE = ("forms", "unplaced")
BY_VALUE = frozenset({"value_not_supported"})


@pytest.mark.parametrize("case", read_cases(), ids=lambda case: case.name)
def test_page_and_reference_agree(case: Case) -> None:
    seen = set()
    for delivery in (one for one in case.deliveries if not one.is_file):
        found = classify(
            delivery.body,
            LISTED,
            max_depth=LIMITS.max_depth,
            max_bytes=LIMITS.max_message_bytes,
        )
        reason = delivery.expected.get("reason", "")
        assert found.reason == reason or {found.reason, reason} <= UNREADABLE
        if not reason:
            assert (found.content in seen) is (delivery.expected.get("outcome") == "duplicate")
            seen.add(found.content)
            check_fit(found.fit, delivery.expected)


def check_fit(fit: str, expected: dict[str, list[dict[str, str]]]) -> None:
    """What is kept beside the columns is never called fitting, and the other way round.

    Messages with Extensions may count as either.
    """
    kept = [row.get("rule") or row["reason"] for name in BESIDE for row in expected.get(name, ())]
    by_shape = [rule for rule in kept if not rule.startswith("time_") and rule not in BY_VALUE]
    if "Extensions" in str(expected):
        assert fit != FITS
    elif by_shape:
        assert fit == KEEPS
    elif expected.get("outcome") != "duplicate":
        assert fit != KEEPS
