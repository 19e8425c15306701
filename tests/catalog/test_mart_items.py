"""What views of schema evidence are compiled from: every line of their files fills something."""

from __future__ import annotations

import pytest

from etl.marts.evidence import DEMOGRAPHICS, VISIT
from etl.marts.items import places_of
from etl.marts.kinds import Item, read_columns, read_items
from etl.marts.mentions import Mention, patient_mentions, visit_mentions
from models.catalog import Catalog
from models.tables.plan import WarehousePlan, plan_tables
from tests.packaged import packaged_catalog

ITEMS = {item.view: item for item in read_items()}


@pytest.fixture(scope="module")
def known() -> tuple[Catalog, WarehousePlan]:
    catalog = packaged_catalog()
    return catalog, plan_tables(catalog)


def unfilled(places: list[Mention], paths: list[str]) -> list[str]:
    """Paths that no place has."""
    return [path for path in paths if not any(place.column(path) for place in places)]


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)
def test_every_path_of_an_item_is_at_one_of_its_places(
    item: Item, known: tuple[Catalog, WarehousePlan]
) -> None:
    places = list(places_of(item, *known))
    assert places and item.columns
    assert unfilled(places, [path for column in item.columns for path in column.paths]) == []
    assert [array for array in item.alt_codes if not any(p.array(array) for p in places)] == []
    assert [one for one in item.first_of if not any(p.array(one[1]) for p in places)] == []


@pytest.mark.parametrize("view", [DEMOGRAPHICS, VISIT])
def test_every_path_of_patients_and_visits_is_where_one_is_named(
    view: str, known: tuple[Catalog, WarehousePlan]
) -> None:
    found = patient_mentions if view == DEMOGRAPHICS else visit_mentions
    columns = read_columns(view)
    assert len({column.name for column in columns}) == len(columns) > 15
    assert unfilled(list(found(*known)), [path for one in columns for path in one.paths]) == []
