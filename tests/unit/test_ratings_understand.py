"""One page into field lists: headings, sample payloads, and what a list does not say for sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest

from etl.ratings.pages import to_page
from etl.ratings.records import FieldList, Page, Refusal
from etl.ratings.understand import PageReader, name_source
from models.catalog import Catalog
from models.catalog.records import Rating
from tests.packaged import packaged_catalog
from tests.pages.facts import Fact, expected, make_facts
from tests.pages.layouts import paths_text, run_together_text, tree_text
from tests.pages.markup import LISTS, html_page, paths_html, sample_html
from tests.pages.variants import read_lists, read_one, save

NOTES = ("Notes", "New")


@cache
def packaged() -> Catalog:
    return packaged_catalog()


@cache
def reader() -> PageReader:
    return PageReader(packaged())


def notes() -> list[Fact]:
    return make_facts(packaged(), *NOTES)


def silent(facts: Sequence[Fact]) -> list[Fact]:
    """The facts without the values that name their event type."""
    named = ("Meta.DataModel", "Meta.EventType")
    return [replace(one, sentence="Says it.") if one.path in named else one for one in facts]


def refusals(found: Sequence[FieldList | Refusal]) -> list[str]:
    return [one.refused if isinstance(one, FieldList) else one.reason for one in found]


def test_a_sample_payload_names_the_event_type() -> None:
    body = sample_html(notes()) + paths_html(silent(notes()), LISTS, sample=False)
    found = read_one(reader(), html_page(body))
    assert (found.data_model, found.event_type, found.evidence) == (*NOTES, "its sample payload")


def test_a_sample_payload_in_a_text_page_names_the_event_type() -> None:
    sample = '{\n  "Meta": {\n    "DataModel": "Notes",\n    "EventType": "New"\n  }\n}\n'
    found = read_one(reader(), sample + paths_text(silent(notes())))
    assert (found.data_model, found.event_type) == NOTES


def test_a_sample_payload_of_another_event_type_makes_it_unclear() -> None:
    other = make_facts(packaged(), "Notes", "Delete")
    body = sample_html(other) + paths_html(notes(), LISTS, sample=False)
    assert "not clear" in read_one(reader(), html_page(body)).refused


def test_samples_are_not_dealt_out_when_their_number_differs() -> None:
    lists = paths_html(silent(notes()), LISTS, sample=False) * 2
    found = read_lists(reader(), html_page(sample_html(notes()) + lists))
    assert refusals(found) == ["its event type cannot be determined"] * 2


def test_a_list_without_a_heading_is_read() -> None:
    text = tree_text(notes()).replace("Request Body Schema\n", "")
    assert {one.path for one in read_one(reader(), text).fields} == set(expected(notes()))


def test_a_heading_without_a_list_is_passed_over() -> None:
    text = "On this page\nFields\nFooter\n" + paths_text(notes())
    assert read_one(reader(), text).refused == ""


def test_a_heading_run_together_with_its_list_is_read() -> None:
    text = run_together_text(notes()).replace("Schema\n", "Schema")
    assert {one.path for one in read_one(reader(), text).fields} == set(expected(notes()))


@pytest.mark.parametrize("text", ["Just words.\n", "<p>Just words.</p>", "Fields\n", "{}\n"])
def test_a_page_without_fields_is_no_page(text: str) -> None:
    (found,) = read_lists(reader(), text)
    assert isinstance(found, Refusal) and found.is_other


def test_the_field_in_which_a_page_stops_is_not_taken() -> None:
    text = paths_text(notes())
    at = text.index("Note.Provider\n")
    cut = text[:at] + "Note.Provider\nObject\nReliableRequ"
    found = read_one(reader(), cut)
    assert "Note.Provider" not in {one.path for one in found.fields}
    assert found.unread[-1].reason == "the page stops within this field"


def test_a_whole_page_may_end_with_its_last_field() -> None:
    text = tree_text(notes()).removesuffix("End of the made page\n").rstrip()
    assert {one.path for one in read_one(reader(), text).fields} == set(expected(notes()))


def test_a_field_that_is_something_else_gives_no_rating() -> None:
    text = tree_text(notes())
    at = text.index("- Test\n")
    wrong = text[:at] + text[at:].replace("boolean, null", "object", 1)
    found = read_one(reader(), wrong)
    assert [one.path for one in found.misfits] == ["Meta.Test"]
    assert "Meta.Test" not in {one.path for one in found.fields}


def test_a_path_printed_twice_with_another_rating_is_not_taken() -> None:
    facts = [one for one in notes() if one.path == "Meta.Test"]
    others = [rating for rating in Rating if rating is not facts[0].rating]
    twice = [*notes(), replace(facts[0], rating=others[0])]
    found = read_one(reader(), paths_text(twice))
    assert "Meta.Test" not in {one.path for one in found.fields}
    assert {one.reason for one in found.unread} == {"the page prints this path twice"}


def test_a_page_of_endless_repeats_is_refused() -> None:
    text = paths_text(notes()).replace("End of the made page\n", "Meta.Test\nString\n" * 10_000)
    assert "prints 10" in read_one(reader(), text).refused


def test_the_source_names_title_and_file() -> None:
    page = save(html_page("<p>x</p>", title="Notes | New"), name="notes-new.html")
    assert name_source(page) == "page: Notes / New (notes-new.html)"
    assert name_source(replace(page, title="")) == "page: notes-new.html"


def test_full_paths_below_headings_with_badges_and_links_are_read() -> None:
    text = "\n".join(
        [
            "Provider",
            "Newlink",
            "BETAA New message adds a provider",
            "BETAFieldslink",
            "- Meta.DataModel", "  String", "  Reliable", "  Required", "  Provider",
            "- Meta.EventType", "  String", "  Reliable", "  Required", "  ProviderQueryResponse",
            "- Meta.Source", "  Object", "  Reliable", "  Who sends",
            "- Meta.FacilityCode", "  String", "  Possible", "  Where",
            "",
        ]
    )  # fmt: skip
    page = to_page(text.encode(), "provider.txt")
    assert isinstance(page, Page)
    (found,) = reader().read(page)
    assert isinstance(found, FieldList)
    assert (found.data_model, found.event_type, found.refused) == ("Provider", "New", "")
    ratings = {read.path: (read.rating, read.required) for read in found.fields}
    assert ratings["Meta.DataModel"] == ("Reliable", True)
    assert ratings["Meta.Source"] == ("Reliable", False)
    assert ratings["Meta.FacilityCode"] == ("Possible", False)
