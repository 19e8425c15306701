"""The catalog's files agree with each other: nothing dangles, nothing stands unused."""

from __future__ import annotations

import csv
from collections import Counter
from importlib.resources import files

import pytest

from models.catalog import Catalog, formats
from models.catalog.csv_table import TableFormat
from models.catalog.records import Field, JsonType, ValueSetKind

TABLES = [table for table in vars(formats).values() if isinstance(table, TableFormat)]
EVENT_TYPES = 111
DATA_MODELS = 24
CONFIDENCES = {"documented", "inferred", "same_structure", "same_name", "observed", ""}


def fields_of(catalog: Catalog) -> list[Field]:
    return [field for fields in catalog.fields.values() for field in fields]


def rows_of(table: TableFormat) -> list[dict[str, str]]:
    text = (files("models.catalog") / "data" / table.file).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_lines_are_grouped_unique_and_end_with_a_newline(table: TableFormat) -> None:
    raw = (files("models.catalog") / "data" / table.file).read_bytes()
    keys = [tuple(row.get(column, "") for column in table.key) for row in rows_of(table)]
    assert raw.endswith(b"\n") and b"\r" not in raw and not raw.startswith(b"\xef\xbb\xbf")
    assert max(Counter(keys).values()) == 1
    assert [key[0] for key in keys] == sorted(key[0] for key in keys)


def test_all_data_models_and_event_types_are_there(catalog: Catalog) -> None:
    events = [event for model in catalog.data_models.values() for event in model.event_types]
    assert len(catalog.data_models) == DATA_MODELS
    assert len(events) == EVENT_TYPES
    assert all(model.description for model in catalog.data_models.values())


def test_every_event_type_lists_fields_and_every_reply_exists(catalog: Catalog) -> None:
    for model in catalog.data_models.values():
        names = {event.event_type for event in model.event_types}
        listed = {name for field in catalog.fields[model.name] for name in field.event_types}
        assert listed == names, model.name
        assert {event.reply for event in model.event_types} - {""} <= names, model.name


def test_every_field_has_facts_that_fit_its_type(catalog: Catalog) -> None:
    for field in fields_of(catalog):
        is_text = JsonType.STRING in (field.json_type, field.item_type)
        where = f"{field.data_model} {field.path}"
        assert field.temporal is None or is_text, where
        assert not field.value_set or is_text, where
        assert (field.number_kind is not None) == (field.json_type is JsonType.NUMBER), where
        assert (field.item_type is not None) == (field.json_type is JsonType.ARRAY), where
        assert field.source, where
        holds_value = (
            field.json_type is not JsonType.OBJECT and field.item_type is not JsonType.OBJECT
        )
        assert bool(field.sensitivity) == holds_value, where


def test_two_shapes_of_a_path_are_told_apart_by_their_events(catalog: Catalog) -> None:
    for fields in catalog.fields.values():
        paths = Counter((field.path, field.json_type) for field in fields)
        assert max(paths.values()) == 1


def test_every_closed_set_is_used_and_every_link_has_a_confidence(catalog: Catalog) -> None:
    used = {field.value_set for field in fields_of(catalog) if field.value_set}
    not_external = {
        value_set.name
        for value_set in catalog.value_sets.values()
        if value_set.kind is not ValueSetKind.EXTERNAL
    }
    assert not_external <= used <= set(catalog.value_sets)
    assert all(
        bool(field.value_set_confidence) == bool(field.value_set) for field in fields_of(catalog)
    )


def test_values_of_a_set_differ_and_synonyms_stand_for_them(catalog: Catalog) -> None:
    for value_set in catalog.value_sets.values():
        assert len(set(value_set.values)) == len(value_set.values), value_set.name
        assert "" not in value_set.values or value_set.kind is ValueSetKind.EXTERNAL, value_set.name
    for synonym in catalog.synonyms:
        own = catalog.value_sets[synonym.value_set]
        assert synonym.supported in own.values, synonym
        assert synonym.received not in own.values, synonym
        assert synonym.reason, synonym


def test_expectations_speak_of_paths_that_exist(catalog: Catalog) -> None:
    paths = {model: {f.path for f in fields} for model, fields in catalog.fields.items()}
    everywhere = set().union(*paths.values())
    for one in catalog.expectations:
        assert one.path in paths.get(one.data_model, everywhere), one
        assert one.rating is not None or one.required, one
        assert not one.is_site and not one.source_id, one


def test_every_source_named_is_listed(catalog: Catalog) -> None:
    named = {code for field in fields_of(catalog) for code in field.source.split("|")}
    named |= {code for one in catalog.expectations for code in one.source.split("|")}
    named |= {code for row in rows_of(formats.VALUE_SETS) for code in row["source"].split("|")}
    named |= {code for row in rows_of(formats.EVENT_TYPES) for code in row["source"].split("|")}
    named |= {one.source for one in catalog.extensions}
    assert named - {""} == set(catalog.sources)
