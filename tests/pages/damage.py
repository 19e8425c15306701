"""Ways in which a saved page goes bad. Each takes the page's text and a source of chance."""

from __future__ import annotations

import random
import re
import textwrap
from collections.abc import Callable

Damage = Callable[[str, random.Random], str]


def truncate(text: str, chance: random.Random) -> str:
    """Stop in the midst of anything."""
    return text[: chance.randrange(len(text))]


def lose_a_line(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    del lines[chance.randrange(len(lines))]
    return "\n".join(lines)


def lose_many_lines(text: str, chance: random.Random) -> str:
    return "\n".join(line for line in text.split("\n") if chance.random() > 0.1)


def repeat_a_line(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    return "\n".join([*lines[:at], lines[at], *lines[at:]])


def swap_lines(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines) - 1)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    return "\n".join(lines)


def join_lines(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    at = chance.randrange(len(lines) - 1)
    lines[at : at + 2] = [lines[at] + chance.choice(["", " "]) + lines[at + 1].strip()]
    return "\n".join(lines)


def lose_indentation(text: str, chance: random.Random) -> str:
    lines = text.split("\n")
    first = chance.randrange(len(lines))
    last = first + chance.choice([1, 5, 40])
    return "\n".join(line.strip() if first <= at < last else line for at, line in enumerate(lines))


def wrap_lines(text: str, chance: random.Random) -> str:
    width = chance.randrange(12, 40)
    wrapped = (textwrap.wrap(line, width) or [""] for line in text.split("\n"))
    return "\n".join(line for lines in wrapped for line in lines)


def lose_tags(text: str, chance: random.Random) -> str:
    return re.sub(r"<[^>]*>", lambda tag: "" if chance.random() < 0.02 else tag[0], text)


def lose_characters(text: str, chance: random.Random) -> str:
    for _ in range(10):
        at = chance.randrange(len(text))
        text = text[:at] + text[at + 1 :]
    return text


DAMAGES: tuple[Damage, ...] = (
    truncate,
    lose_a_line,
    lose_many_lines,
    repeat_a_line,
    swap_lines,
    join_lines,
    lose_indentation,
    wrap_lines,
    lose_tags,
    lose_characters,
)
