"""Reads the lists of `data/scenarios/`: senders, departments, panels, how often what happens."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

from etl.synth.wordlists import read_rows

Line = dict[str, str]


@cache
def lines(name: str) -> tuple[Line, ...]:
    """All lines of one list."""
    return tuple(read_rows(f"scenarios/{name}.csv"))


@cache
def lines_of(name: str, column: str, value: str) -> tuple[Line, ...]:
    """The lines of a list whose column holds a value."""
    return tuple(line for line in lines(name) if line[column] == value)


@cache
def grouped(name: str, column: str) -> tuple[tuple[Line, ...], ...]:
    """The lines of a list in groups that share the column's value, in order of appearance."""
    groups: dict[str, list[Line]] = {}
    for line in lines(name):
        groups.setdefault(line[column], []).append(line)
    return tuple(tuple(group) for group in groups.values())


@cache
def _weights(name: str, column: str) -> tuple[float, ...]:
    return tuple(float(line[column]) for line in lines(name))


def draw(rng: random.Random, name: str, column: str = "weight") -> Line:
    """One line of a list, each as often as its weight says."""
    return rng.choices(lines(name), _weights(name, column))[0]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a patient is. Room and bed are "" where the department has none."""

    type: str
    facility: str
    facility_code: str
    department: str
    department_id: str
    room: str = ""
    bed: str = ""


def draw_place(
    rng: random.Random, *, kind: str, patient_class: str, facility: str, code: str
) -> Place:
    """A place of a department that takes patients of this class."""
    fitting = [
        line for line in lines_of("departments", "kind", kind)
        if line["patient_class"] == patient_class
    ]  # fmt: skip
    line = rng.choice(fitting)
    beds = line["beds"].split("|")
    return Place(
        type=line["type"],
        facility=facility,
        facility_code=code,
        department=line["department"],
        department_id=line["department_id"],
        room=str(100 + rng.randrange(int(line["rooms"]))),
        bed=rng.choice(beds),
    )


@cache
def code_system(received: str) -> Line:
    """The line of a code system: the one name it gets, and its OID."""
    return next(line for line in lines("codes") if line["received"] == received)
