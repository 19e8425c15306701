"""Pages made from the catalog in every layout give back exactly what was put into them."""

from __future__ import annotations

import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.ratings.records import FieldList, Refusal
from etl.ratings.understand import PageReader
from models.catalog import Catalog
from tests.packaged import packaged_catalog
from tests.pages.damage import DAMAGES, Damage
from tests.pages.facts import expected, make_facts
from tests.pages.layouts import paths_text
from tests.pages.markup import LISTS, html_page, paths_html
from tests.pages.variants import RENDERS, read_lists, read_one


@cache
def packaged() -> Catalog:
    return packaged_catalog()


@cache
def reader() -> PageReader:
    return PageReader(packaged())


def event_types(*, most_paths: int = 10_000) -> list[tuple[str, str]]:
    """The event types of the catalog, large ones left out on request."""
    return [
        (model.name, event.event_type)
        for model in packaged().data_models.values()
        for event in model.event_types
        if _count_paths(model.name, event.event_type) <= most_paths
    ]


def _count_paths(data_model: str, event_type: str) -> int:
    return sum(event_type in field.event_types for field in packaged().fields[data_model])


def assert_reads_exactly(found: FieldList, data_model: str, event_type: str, seed: int) -> None:
    assert (found.data_model, found.event_type, found.refused) == (data_model, event_type, "")
    assert (found.unread, found.unknown, found.misfits) == ((), (), ())
    said = expected(make_facts(packaged(), data_model, event_type, seed))
    assert {field.path: field.rating for field in found.fields} == {
        path: rating for path, (_, rating) in said.items()
    }
    required = {field.path: field.required for field in found.fields if field.required is not None}
    assert required == {path: said[path][0] for path in required}
    assert {path for path, (is_required, _) in said.items() if is_required} <= set(required)


@pytest.mark.parametrize("name", RENDERS)
@settings(max_examples=3, deadline=None)
@given(event=st.sampled_from(event_types(most_paths=260)), seed=st.integers(0, 10**6))
def test_every_layout_reads_back_exactly(name: str, event: tuple[str, str], seed: int) -> None:
    text = RENDERS[name](make_facts(packaged(), *event, seed))
    assert_reads_exactly(read_one(reader(), text), *event, seed)


@pytest.mark.parametrize("name", ["A glued", "B spans", "C"])
def test_the_largest_event_type_reads_back_exactly(name: str) -> None:
    event = ("Clinical Summary", "VisitPush")
    text = RENDERS[name](make_facts(packaged(), *event, 7))
    assert_reads_exactly(read_one(reader(), text), *event, 7)


@pytest.mark.parametrize(("data_model", "event_type"), event_types(most_paths=420)[::5])
def test_event_types_read_back_exactly_in_layout_c(data_model: str, event_type: str) -> None:
    text = RENDERS["C"](make_facts(packaged(), data_model, event_type, 3))
    assert_reads_exactly(read_one(reader(), text), data_model, event_type, 3)


def test_one_page_of_layout_a_holds_all_event_types_of_its_model() -> None:
    events = [one.event_type for one in packaged().data_models["Notes"].event_types]
    body = "".join(paths_html(make_facts(packaged(), "Notes", one), LISTS) for one in events)
    found = read_lists(reader(), html_page(body, title="Notes"))
    for one, event_type in zip(found, events, strict=True):
        assert isinstance(one, FieldList)
        assert_reads_exactly(one, "Notes", event_type, 0)


def test_two_pages_in_one_file_are_two_lists() -> None:
    events = (("Scheduling", "Booked"), ("PatientAdmin", "Arrival"))
    text = "".join(paths_text(make_facts(packaged(), *event)) for event in events)
    found = read_lists(reader(), text)
    for one, event in zip(found, events, strict=True):
        assert isinstance(one, FieldList)
        assert_reads_exactly(one, *event, 0)


@pytest.mark.parametrize("damage", DAMAGES)
@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(sorted(RENDERS)),
    event=st.sampled_from(event_types(most_paths=150)),
    seed=st.integers(0, 10**6),
)
def test_a_damaged_page_gives_no_wrong_rating(
    damage: Damage, name: str, event: tuple[str, str], seed: int
) -> None:
    facts = make_facts(packaged(), *event, seed)
    found = read_lists(reader(), damage(RENDERS[name](facts), random.Random(seed)))
    said = expected(facts)
    for one in found:
        assert isinstance(one, FieldList | Refusal)
        if isinstance(one, FieldList) and not one.refused:
            rated = [field for field in one.fields if field.rating]
            assert [field for field in rated if field.rating != said[field.path][1]] == []
