"""The catalog page: what it carries for each table and column, from facts that stand on the screen."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from etl.report.catalog_page import (
    CatalogFacts,
    PageColumn,
    PageGroup,
    PageTable,
    render_catalog_page,
)
from etl.report.erd import Node, draw_erd


def make_facts() -> CatalogFacts:
    patient = PageTable(
        "mart.patient", "mart", "Patients <now>",
        (PageColumn("patient_id", "VARCHAR", "source and id"), PageColumn("sex", "VARCHAR", "sex")),
        rows=3, key=("patient_id",),
    )  # fmt: skip
    visit = PageTable(
        "mart.encounter", "mart", "Visits", (PageColumn("encounter_id", "VARCHAR"),), rows=5,
        key=("encounter_id",), refers=(("patient_id", "mart.patient", "patient_id"),),
    )  # fmt: skip
    message = PageTable("results.message", "Results", "", (), rows=7, key=("message_id",))
    orders = PageTable(
        "results.orders", "Results", "",
        (
            PageColumn("message_id", "BIGINT", "number of the message"),
            PageColumn("status", "VARCHAR", "Status", "Order status", "", "Reliable", 0.5),
            PageColumn("notes", "VARCHAR", "Notes", sensitivity="free text", filled=0.0),
        ),
        rows=9, key=("message_id", "orders_ordinal"), path="Orders[]", parent="results.message",
    )  # fmt: skip
    groups = (PageGroup("mart", "now", is_model=False), PageGroup("Results", "said", is_model=True))
    at = datetime(2026, 2, 3, 12, tzinfo=UTC)
    return CatalogFacts(4, at, groups, (patient, visit, message, orders))


def _data(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_page_carries_every_table_with_its_place_and_every_column_with_its_facts() -> None:
    page = render_catalog_page(make_facts()).decode()
    data = _data(page)
    orders = data["tables"][3]
    assert orders[:7] == [
        "results.orders", 1, "", 9, ["message_id", "orders_ordinal"], "Orders[]", 2
    ]  # fmt: skip
    status, notes = orders[8][1:]
    words = data["words"]
    assert (status[0], words[status[1]], status[2]) == ("status", "VARCHAR", "Status")
    assert [words[place] for place in status[3:6]] == ["Order status", "", "Reliable"]
    assert status[6] == 500  # of 1,000 messages
    assert [words[place] for place in notes[3:6]] == ["", "free text", ""] and notes[6] is None
    assert data["tables"][1][7] == [["patient_id", "mart.patient", "patient_id"]]


def test_page_asks_nothing_of_a_network_and_escapes_what_it_shows() -> None:
    page = render_catalog_page(make_facts()).decode()
    assert "default-src 'none'" in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert "Patients &lt;now&gt;" in page and "Patients <now>" not in page


def test_diagram_has_a_box_a_table_and_a_line_a_reference() -> None:
    drawn = draw_erd(
        [
            Node("mart.patient", ("patient_id",), 3, ()),
            Node("mart.encounter", ("encounter_id",), 5, ("mart.patient",)),
            Node("mart.charge", ("charge_key",), 0, ("mart.patient", "mart.encounter")),
            Node("mart.loose", ("a",) * 20, 0, ("mart.elsewhere",)),
        ]
    )
    assert drawn.count("<rect") == 4 and drawn.count("<path") == 3
    assert 'href="#mart.charge"' in drawn
    places = dict(re.findall(r'href="#([\w.]+)"><rect x="(\d+)"', drawn))
    assert int(places["mart.patient"]) < int(places["mart.encounter"]) < int(places["mart.charge"])


def test_references_in_a_circle_are_drawn_too() -> None:
    drawn = draw_erd(
        [Node("mart.a", ("a",), 0, ("mart.b",)), Node("mart.b", ("b",), 0, ("mart.a",))]
    )
    assert drawn.count("<path") == 2
