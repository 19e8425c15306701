"""What the header of a file of sql/ says of its relation.

A header is the run of comment lines at the top of the file. First comes what the relation is; then
facts, one `-- name: value` each, that go on in lines of three blanks:

    -- Appointments, each with the status it has now.
    -- grain: one row per visit number; key: appointment_id
    -- stored: whole
    -- refers: patient_id -> mart.patient
    -- words: status_code (booked, cancelled)
    -- not before: end_datetime >= start_datetime
    -- ledger: select count(*) from evidence.visit
    -- reads: evidence.visit
    -- columns:
    --   appointment_id: source and visit number
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_FACT = re.compile(r"^-- (grain|key|stored|refers|words|not before|ledger|reads|columns):\s*(.*)$")
_INLINE_KEY = re.compile(r";\s*key:\s*(.+)$")
_NAME = re.compile(r"[a-z_]+\.[a-z_]+")
_REFERENCE = re.compile(r"([a-z_]+) -> ([a-z_]+\.[a-z_]+)")
_WORDS = re.compile(r"([a-z_]+) \(([^)]*)\)")
_ORDER = re.compile(r"([a-z_]+) >= ([a-z_]+)")
_COLUMN = re.compile(r"^([a-z_0-9]+): (.+)$")


@dataclass(frozen=True, slots=True)
class Header:
    """The facts of one header. `ledger` is a SELECT of what the sum of `messages` must be."""

    comment: str
    grain: str = ""
    key: tuple[str, ...] = ()
    is_stored: bool = False
    refers: tuple[tuple[str, str], ...] = ()
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    not_before: tuple[tuple[str, str], ...] = ()
    ledger: str = ""
    reads: frozenset[str] = frozenset()
    columns: Mapping[str, str] = field(default_factory=dict)


def read_header(text: str) -> Header:
    """The header of a SELECT's text; what a header does not say stays empty."""
    comment, facts = _lines(text)
    grain, inline_key = _grain(" ".join(facts.get("grain", ())))
    key = inline_key or " ".join(facts.get("key", ()))
    return Header(
        comment=comment,
        grain=grain,
        key=tuple(re.findall(r"[a-z_]+", key)),
        is_stored="stored" in facts,
        refers=tuple(_REFERENCE.findall(" ".join(facts.get("refers", ())))),
        words={
            column: tuple(word.strip() for word in words.split(","))
            for column, words in _WORDS.findall(" ".join(facts.get("words", ())))
        },
        not_before=tuple(_ORDER.findall(" ".join(facts.get("not before", ())))),
        ledger=" ".join(facts.get("ledger", ())),
        reads=frozenset(_NAME.findall(" ".join(facts.get("reads", ())))),
        columns=_columns(facts.get("columns", [])),
    )


def _lines(text: str) -> tuple[str, dict[str, list[str]]]:
    """The sentences above the first fact, and the lines of each fact."""
    comment: list[str] = []
    facts: dict[str, list[str]] = {}
    open_fact: list[str] | None = None
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        found = _FACT.match(line)
        if found:
            open_fact = facts.setdefault(found[1], [])
            open_fact += [found[2].strip()] if found[2].strip() else []
        elif open_fact is not None and line.startswith("--   "):
            open_fact.append(line[5:].rstrip())
        elif not facts:
            comment.append(line[2:].strip())
        else:
            open_fact = None
    return " ".join(comment), facts


def _grain(text: str) -> tuple[str, str]:
    found = _INLINE_KEY.search(text)
    return (text[: found.start()], found[1]) if found else (text, "")


def _columns(lines: list[str]) -> dict[str, str]:
    """Meaning by column; a line that begins deeper goes on with the meaning before."""
    columns: dict[str, str] = {}
    name = ""
    for line in lines:
        found = _COLUMN.match(line)
        if found:
            name = found[1]
            columns[name] = found[2].strip()
        elif name and line.startswith(" "):
            columns[name] += f" {line.strip()}"
    return columns
