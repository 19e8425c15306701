"""The catalog holds every value set, and every link of a field to one, of the facts it was made from.

Needs ../shared/redox beside the checkout, and is skipped without it.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import pytest

from models.catalog import Catalog
from models.catalog.records import ValueSetKind

REDOX = Path(__file__).parents[3] / "shared" / "redox"
pytestmark = pytest.mark.skipif(
    not (REDOX / "value_sets.csv").is_file(), reason="no facts beside the checkout"
)
# Said by data_models.csv and event_types.csv, and judged by rules of their own.
SAID_ELSEWHERE = {"DataModel", "EventType"}


def _table(name: str) -> list[dict[str, str]]:
    with (REDOX / name).open(encoding="utf-8", newline="") as file:
        return [
            line for line in csv.DictReader(file) if line["value_set"] not in SAID_ELSEWHERE
        ]  # fmt: skip


def test_every_set_has_its_kind_and_values(catalog: Catalog) -> None:
    kinds = defaultdict(set)
    values = defaultdict(set)
    for line in _table("value_sets.csv"):
        kinds[line["value_set"]].add(line["kind"])
        if line["kind"] != "external":
            values[line["value_set"]].add(line["value"])
    assert catalog.value_sets.keys() == kinds.keys()
    for name, value_set in catalog.value_sets.items():
        assert value_set.kind in kinds[name]
        assert (value_set.kind is ValueSetKind.CLOSED) == ("closed" in kinds[name])
        assert value_set.source
        if value_set.kind is not ValueSetKind.EXTERNAL:
            assert set(value_set.values) == values[name]


def test_every_link_of_a_field_has_its_confidence(catalog: Catalog) -> None:
    wanted = {
        (line["data_model"], line["path"].removesuffix("[]"), line["value_set"], line["confidence"])
        for line in _table("value_set_fields.csv")
    }
    linked = {
        (model.replace(" ", ""), f.path.removesuffix("[]"), f.value_set, f.value_set_confidence)
        for model, fields in catalog.fields.items()
        for f in fields
        if f.value_set and f.source != "recorded"  # what recorded replies have beside the schemas
    }
    assert linked == wanted


def test_data_models_and_event_types_are_those_listed(catalog: Catalog) -> None:
    with (REDOX / "value_sets.csv").open(encoding="utf-8", newline="") as file:
        lines = [(line["value_set"], line["value"]) for line in csv.DictReader(file)]
    events = {e.event_type for model in catalog.data_models.values() for e in model.event_types}
    assert set(catalog.data_models) == {value for name, value in lines if name == "DataModel"}
    assert events == {value for name, value in lines if name == "EventType"}
