"""Reads the word lists and value rules of `data/`. What is made of them lives in `pools`."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources

DEFAULT_RATE = {"leaf": 0.65, "object": 0.6, "array": 0.55}


@dataclass(frozen=True, slots=True)
class ValueRule:
    """How a field is filled: `pool` names its values, `rate` is its share given its parent."""

    pattern: str
    pool: str
    rate: float


def read_rows(name: str) -> Iterator[dict[str, str]]:
    """The lines of one CSV file of `data/` as dicts of text."""
    with resources.files("etl.synth").joinpath("data", name).open(encoding="utf-8") as text:
        yield from csv.DictReader(text)


@cache
def words() -> dict[str, tuple[str, ...]]:
    """The word lists by name."""
    lists: dict[str, list[str]] = {}
    for row in read_rows("words.csv"):
        lists.setdefault(row["list"], []).append(row["value"])
    return {name: tuple(values) for name, values in lists.items()}


@cache
def places() -> tuple[dict[str, str], ...]:
    """Invented places with city, state, zip and county."""
    return tuple(read_rows("places.csv"))


@cache
def terms(domain: str) -> tuple[dict[str, str], ...]:
    """Coded terms of one domain (diagnosis, observation, ...)."""
    return tuple(row for row in read_rows("terms.csv") if row["domain"] == domain)


@cache
def _value_rules() -> tuple[dict[str, ValueRule], tuple[ValueRule, ...]]:
    exact: dict[str, ValueRule] = {}
    globs: list[ValueRule] = []
    for row in read_rows("value_kinds.csv"):
        rule = ValueRule(row["pattern"], row["pool"], float(row["rate"]))
        if "*" in rule.pattern:
            globs.append(rule)
        else:
            exact[rule.pattern] = rule
    return exact, tuple(globs)


@cache
def value_rule(bare_path: str) -> ValueRule | None:
    """The rule of a path without brackets: longest exact suffix first, then the first glob."""
    exact, globs = _value_rules()
    segments = bare_path.split(".")
    for start in range(len(segments)):
        rule = exact.get(".".join(segments[start:]))
        if rule:
            return rule
    return next((rule for rule in globs if fnmatchcase(segments[-1], rule.pattern)), None)


@cache
def _domain_rules() -> tuple[tuple[str, str], ...]:
    return tuple((row["segment"], row["domain"]) for row in read_rows("domains.csv"))


@cache
def domain_of(bare_path: str) -> str:
    """The terminology that fits an object, from the nearest telling segment of its path."""
    for segment in reversed(bare_path.split(".")):
        for pattern, domain in _domain_rules():
            if fnmatchcase(segment, pattern):
                return domain
    return "finding"


@cache
def _group_rules() -> tuple[tuple[str, frozenset[str], str], ...]:
    return tuple(
        (row["by"], frozenset(row["match"].split("+")), row["group"])
        for row in read_rows("groups.csv")
    )


def group_of(name: str, keys: frozenset[str]) -> str:
    """The record (patient, provider, place, ...) that fills an object of this name and keys."""
    for by, match, group in _group_rules():
        if match <= (keys if by == "keys" else {name}):
            return "" if group == "none" else group
    return ""
