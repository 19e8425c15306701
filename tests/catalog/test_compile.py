"""Everything that is compiled from the catalog compiles, for every data model and event type."""

from __future__ import annotations

import pytest

from etl.check.rules import render_rules
from etl.kernel._reader import KEY_BYTES
from etl.kernel.program import compile_program
from models.catalog import Catalog
from models.compile.dictionary import dictionary_tables
from models.compile.shapes import ModelShapes, NodeKind
from models.tables.plan import WarehousePlan
from tests.packaged import packaged_catalog

MODELS = sorted(packaged_catalog().data_models)


@pytest.mark.parametrize("data_model", MODELS)
def test_every_event_type_has_a_program(catalog: Catalog, data_model: str) -> None:
    shapes = ModelShapes(catalog, data_model)
    compiled = set()
    for event in catalog.data_models[data_model].event_types:
        shape = shapes.for_event(event.event_type)
        if shape.variant in compiled:
            continue
        compiled.add(shape.variant)
        program = compile_program(shape, frozenset(), bytes(KEY_BYTES))
        assert [node.path for node in program.nodes] == [node.path for node in shape.root.walk()]
        arrays = [n.path for n in program.nodes if n.kind in (NodeKind.OBJECTS, NodeKind.SCALARS)]
        assert program.grains == ("", *arrays)


@pytest.mark.parametrize("data_model", MODELS)
def test_every_field_has_a_place_in_the_plan(
    catalog: Catalog, plan: WarehousePlan, data_model: str
) -> None:
    shapes = ModelShapes(catalog, data_model)
    tables = plan.models[data_model]
    held = {
        column.path for table in (*tables.values(), *plan.core.values()) for column in table.columns
    }
    held |= {*tables, *plan.core}
    for event in catalog.data_models[data_model].event_types:
        for node in shapes.for_event(event.event_type).root.walk():
            assert node.kind is NodeKind.OBJECT or node.path in held, node.path


def test_the_dictionary_tells_every_field_once(catalog: Catalog, plan: WarehousePlan) -> None:
    tables = dictionary_tables(catalog, plan)
    fields = tables["quality.field"].to_pylist()
    assert len(fields) == sum(map(len, catalog.fields.values()))
    placed = [row for row in fields if row["column_name"]]
    names = {(r["table_schema"], r["table_name"], r["column_name"]) for r in placed}
    columns = {(t.schema, t.name, c.name) for t in plan.tables() for c in t.columns}
    assert names == columns


def test_the_rules_page_is_written_from_the_catalog(catalog: Catalog) -> None:
    page = render_rules(catalog)
    assert all(rule.meaning in page and rule.action in page for rule in catalog.rules.values())
