"""Counts in words: `1 object`, `2,000 objects`. What is said of them is where it is said."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str = "") -> str:
    """The number and its noun, which gets an s unless the number is 1 or `plural` says another."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def is_or_are(number: int) -> str:
    """The verb that goes with a number of things."""
    return "is" if number == 1 else "are"
