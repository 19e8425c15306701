"""A slice of the fuzzing through a real load."""

from __future__ import annotations

from tests.fuzz.inputs import inputs
from tests.fuzz.tables import earlier_values, faults_of_load
from tests.reference.json_text import parse
from tests.reference.shapes import read_listed

INPUTS = 400


def test_hostile_messages_come_back_from_the_tables() -> None:
    listed = read_listed()
    made = list(inputs("tables", listed, INPUTS))
    assert [what for what, _ in faults_of_load(made, listed)] == []


def test_earlier_values_are_found_at_every_level() -> None:
    payload = parse(b'{"a": 1, "a": [{"b": "", "b": {"c": 2, "c": null}}], "a": null}')
    assert len(list(earlier_values(payload))) == 3
