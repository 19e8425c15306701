"""The rules, from their CSV files: which column of a mart is of which class, what each mode does.

A column that the list does not name is left out: what nobody has looked at is not handed over.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files


class Mode(StrEnum):
    """What a copy is made for; docs/privacy.md says what each is and is not."""

    SAFE_HARBOR = "safe-harbor"
    LIMITED = "limited"
    SHIFTED = "shifted"


DROP = "drop"
NO_MARTS = frozenset({"mart.patient_identifier", "mart.message_patient"})
"""Marts that are nothing but identifiers."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to a column: `kind` is the part of its class behind the colon."""

    action: str
    kind: str


def rule_of(column: str, mode: Mode) -> Rule:
    """The rule of a column; dropped where no line names it."""
    name, _, kind = _classes().get(column, "").partition(":")
    return Rule(_actions().get(name, {}).get(mode.value, DROP), kind)


def class_of(column: str) -> str:
    """The class of a column, empty where no line names it."""
    return _classes().get(column, "")


@cache
def code_patterns() -> Mapping[str, str]:
    """By code system: what a code of it looks like, a regular expression for the whole text."""
    return {row["system"]: row["pattern"] for row in _read("code_systems.csv")}


@cache
def small_zip3() -> frozenset[str]:
    """Three-digit ZIP areas of 20,000 or fewer people; the file says by which census."""
    return frozenset(row["zip3"] for row in _read("small_zip3.csv"))


@cache
def _classes() -> Mapping[str, str]:
    return {row["column"]: row["class"] for row in _read("columns.csv")}


@cache
def _actions() -> Mapping[str, Mapping[str, str]]:
    return {row["class"]: row for row in _read("classes.csv")}


def _read(name: str) -> list[dict[str, str]]:
    text = (files("etl.queries.deidentify") / "data" / name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))
