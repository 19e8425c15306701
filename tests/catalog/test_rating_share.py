"""The share of rated fields counts what the catalog documents, and nothing twice."""

from __future__ import annotations

from dataclasses import replace

from models.catalog import Catalog
from models.catalog.rating_share import rating_share


def test_models_add_up_to_the_whole(catalog: Catalog) -> None:
    whole = rating_share(catalog)
    parts = [rating_share(catalog, name) for name in catalog.data_models]
    assert whole.documented == sum(part.documented for part in parts) > 0
    assert whole.listed == sum(part.listed for part in parts)
    assert whole.inferred == sum(part.inferred for part in parts) > 0


def test_every_model_of_a_page_has_a_share(catalog: Catalog) -> None:
    assert rating_share(catalog, "Vaccination").documented >= 23
    assert "have a documented rating" in str(rating_share(catalog, "Vaccination"))


def test_without_expectations_nothing_is_rated(catalog: Catalog) -> None:
    share = rating_share(replace(catalog, expectations=()))
    assert (share.documented, share.inferred) == (0, 0)
