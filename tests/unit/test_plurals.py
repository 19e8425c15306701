"""Counts in words."""

from __future__ import annotations

import pytest

from etl.plurals import counted


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 objects"), (1, "1 object"), (2, "2 objects"), (1000, "1,000 objects")],
)
def test_only_one_is_singular(number: int, text: str) -> None:
    assert counted(number, "object") == text


def test_a_plural_of_its_own_is_taken() -> None:
    assert (counted(1, "reply", "replies"), counted(3, "reply", "replies")) == (
        "1 reply",
        "3 replies",
    )
