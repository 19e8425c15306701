"""The documented ratings of the package: each from a page, every page of the collection used."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from etl.ratings.compare import find_expectations
from etl.ratings.events import spelled
from models.catalog import Catalog
from models.catalog.records import Expectation

COLLECTION = Path(__file__).parents[3] / "shared" / "redox" / "ratings_found.csv"
PAGES_OF_AN_EVENT = "page-"

# Event types that no documented rating was known for before their pages were read.
NEWLY_RATED = {
    ("Claim", "PaymentBatch"),
    ("Clinical Decisions", "Response"),
    ("Inventory", "Deplete"),
    ("Media", "New"),
    ("Notes", "QueryResponse"),
    ("Provider", "ProviderQuery"),
    ("Vaccination", "Administration"),
    ("Vaccination", "New"),
}


def documented(catalog: Catalog) -> Iterator[Expectation]:
    return (one for one in catalog.expectations if one.rating and not one.is_inferred)


def test_every_page_among_the_sources_documents_a_rating(catalog: Catalog) -> None:
    pages = {code for code in catalog.sources if code.startswith(PAGES_OF_AN_EVENT)}
    named = {code for one in documented(catalog) for code in one.source.split("|")}
    assert pages <= named
    assert all(catalog.sources[code].address.startswith("https://") for code in pages)


def test_event_types_of_the_pages_have_documented_ratings(catalog: Catalog) -> None:
    rated = {(one.data_model, one.event_type) for one in documented(catalog)}
    assert rated >= NEWLY_RATED


def test_a_container_is_rated_where_a_page_rates_it(catalog: Catalog) -> None:
    media = {one.path for one in documented(catalog) if one.data_model == "Media"}
    assert {"Meta.Source", "Meta.Destinations[]", "Patient.Identifiers[]"} <= media


@pytest.mark.skipif(not COLLECTION.exists(), reason="no collection of ratings beside the checkout")
def test_every_rating_of_the_collection_is_documented_with_its_page(catalog: Catalog) -> None:
    models = {spelled(name): name for name in catalog.data_models}
    lines = {(one.data_model, one.event_type, one.path): one for one in catalog.expectations}
    codes = {source.address.rstrip("/"): code for code, source in catalog.sources.items()}
    missing = []
    with COLLECTION.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            model = models.get(spelled(row["data_model"]))
            if model is None:
                continue
            line = find_expectations(lines, model, row["event_type"], row["path"])[0]
            page = codes[row["source"].partition(" ")[0].rstrip("/")]
            stated = (line.rating, line.is_inferred, page in line.source.split("|"))
            if stated != (row["rating"], False, True):
                missing.append((model, row["event_type"], row["path"]))
    assert missing == []
