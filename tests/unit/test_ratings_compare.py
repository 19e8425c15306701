"""What pages state beside the catalog: news, contradictions, and what would be written."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from etl.ratings.compare import compare_lists
from etl.ratings.phrases import to_type
from etl.ratings.records import Comparison, FieldList, Layout, ReadField, Statement
from models.catalog import Catalog
from models.catalog.records import Expectation, Rating
from tests.packaged import packaged_catalog

EVENT = ("PatientAdmin", "Arrival")
SEX = "Patient.Demographics.Sex"
NAME = "Patient.Demographics.FirstName"


@cache
def packaged() -> Catalog:
    return replace(packaged_catalog(), expectations=())


def make_line(path: str, **judgement: object) -> Expectation:
    line = Expectation(*EVENT, path, False, None, False, "schema")
    return replace(line, **judgement)  # type: ignore[arg-type]


def make_field(
    path: str,
    *,
    rating: Rating | None = None,
    required: bool | None = False,
    words: str = "string",
    values: tuple[str, ...] = (),
) -> ReadField:
    return ReadField(path, to_type(words), required, rating, values, (), 7)


def make_list(
    *fields: ReadField, source: str = "page: A", misfits: tuple[ReadField, ...] = ()
) -> FieldList:
    blank = FieldList("a.html", source, 1, Layout.TREE, *EVENT, "its Meta fields")
    return replace(blank, fields=fields, misfits=misfits)


def compare(*lists: FieldList, lines: tuple[Expectation, ...] = ()) -> list[Comparison]:
    return compare_lists(lists, replace(packaged(), expectations=lines))


def stated(*comparisons: Comparison) -> list[tuple[str, Rating | None, bool]]:
    return [(s.path, s.rating, s.required) for one in comparisons for s in one.statements]


def test_a_rating_the_catalog_does_not_document_is_news() -> None:
    (one,) = compare(make_list(make_field(NAME, rating=Rating.POSSIBLE)))
    assert [(news.path, news.printed, news.number) for news in one.news] == [(NAME, "Possible", 7)]
    assert one.statements == [Statement(*EVENT, NAME, False, Rating.POSSIBLE, "page: A")]
    assert one.contradictions == []


def test_an_inferred_rating_gives_way_to_a_page() -> None:
    line = make_line(NAME, rating=Rating.RELIABLE, is_inferred=True, required=True)
    (one,) = compare(
        make_list(make_field(NAME, rating=Rating.POSSIBLE, required=True)), lines=(line,)
    )
    assert (len(one.news), one.contradictions) == (1, [])
    assert stated(one) == [(NAME, Rating.POSSIBLE, True)]


def test_what_the_catalog_documents_already_is_neither_news_nor_written() -> None:
    line = make_line(NAME, rating=Rating.POSSIBLE, event_type="*")
    (one,) = compare(make_list(make_field(NAME, rating=Rating.POSSIBLE)), lines=(line,))
    assert (one.news, one.contradictions, one.statements) == ([], [], [])


def test_another_rating_contradicts_and_the_page_will_stand() -> None:
    line = make_line(NAME, rating=Rating.RELIABLE)
    (one,) = compare(make_list(make_field(NAME, rating=Rating.POSSIBLE)), lines=(line,))
    (found,) = one.contradictions
    assert (found.fact, found.printed, found.catalog) == ("rating", "Possible", "Reliable")
    assert found.outcome == "the page's will stand"
    assert stated(one) == [(NAME, Rating.POSSIBLE, False)]


def test_a_page_without_a_rating_takes_none_away() -> None:
    line = make_line(NAME, rating=Rating.RELIABLE)
    (one,) = compare(make_list(make_field(NAME)), lines=(line,))
    assert one.contradictions[0].outcome == "the catalog's stands"
    assert one.statements == []


def test_required_is_compared_where_the_page_says_it() -> None:
    line = make_line(NAME, required=True)
    (one,) = compare(make_list(make_field(NAME)), lines=(line,))
    assert [(c.printed, c.catalog) for c in one.contradictions] == [("not required", "required")]
    assert stated(one) == [(NAME, None, False)]
    (silent,) = compare(make_list(make_field(NAME, required=None)), lines=(line,))
    assert (silent.contradictions, silent.statements) == ([], [])


def test_a_site_s_own_line_stands() -> None:
    line = make_line(NAME, rating=Rating.RELIABLE, is_site=True, event_type="*", source="us")
    (one,) = compare(make_list(make_field(NAME, rating=Rating.POSSIBLE)), lines=(line,))
    assert one.contradictions[0].outcome == "the site's own line stands"
    assert (one.news, one.statements) == ([], [])


def test_an_earlier_import_gives_way() -> None:
    line = make_line(NAME, rating=Rating.RELIABLE, is_site=True, source="page: Old (old.html)")
    (one,) = compare(make_list(make_field(NAME, rating=Rating.POSSIBLE)), lines=(line,))
    assert stated(one) == [(NAME, Rating.POSSIBLE, False)]


def test_lines_for_one_source_do_not_count() -> None:
    line = make_line(NAME, rating=Rating.RELIABLE, is_site=True, source_id="abc", source="us")
    (one,) = compare(make_list(make_field(NAME, rating=Rating.POSSIBLE)), lines=(line,))
    assert (len(one.news), one.contradictions) == (1, [])


def test_pages_that_differ_write_nothing() -> None:
    one, other = compare(
        make_list(make_field(NAME, rating=Rating.POSSIBLE)),
        make_list(make_field(NAME, rating=Rating.RELIABLE), source="page: B"),
    )
    assert stated(one, other) == []
    assert {c.outcome for c in (*one.contradictions, *other.contradictions)} == {
        "the pages differ, neither is written"
    }


def test_pages_that_agree_are_written_once() -> None:
    comparisons = compare(
        make_list(make_field(NAME, rating=Rating.POSSIBLE, required=None)),
        make_list(make_field(NAME, rating=Rating.POSSIBLE, required=True), source="page: B"),
    )
    assert stated(*comparisons) == [(NAME, Rating.POSSIBLE, True)]


def test_another_type_contradicts_and_changes_nothing() -> None:
    fits = make_field(NAME, words="number", rating=Rating.POSSIBLE)
    misfit = make_field("Patient.Demographics", words="string")
    (one,) = compare(make_list(fits, misfits=(misfit,)))
    assert [(c.path, c.printed, c.catalog) for c in one.contradictions] == [
        (NAME, "number", "string"),
        ("Patient.Demographics", "string", "object"),
    ]
    assert stated(one) == [(NAME, Rating.POSSIBLE, False)]


def test_new_supported_values_join_the_field_s_set() -> None:
    values = ("Female", "Male", "Other", "Unknown", "Nonbinary", "Undisclosed")
    (one,) = compare(make_list(make_field(SEX, values=values), make_field(SEX, values=values)))
    assert [(v.value_set, v.kind, v.value) for v in one.values] == [
        ("Sex", "closed", "Undisclosed")
    ]
    assert one.contradictions == []


def test_values_the_page_lacks_are_told_and_kept() -> None:
    (one,) = compare(make_list(make_field(SEX, values=("Female", "Male"))))
    (found,) = one.contradictions
    assert found.fact == "values"
    assert "Nonbinary" in found.printed
    assert one.values == []


def test_values_of_another_set_are_not_mixed_in() -> None:
    (one,) = compare(make_list(make_field(SEX, values=("Red", "Blue"))))
    assert one.contradictions[0].outcome == "nothing is written"
    assert one.values == []


def test_values_of_a_field_without_a_set_are_told() -> None:
    field = make_field(NAME, values=("Ann", "Bob"))
    (one,) = compare(make_list(field))
    assert (one.unlinked, one.values) == ([field], [])


def test_an_unlabelled_list_counts_when_it_holds_a_known_value() -> None:
    known = replace(make_field(SEX), items=("Female", "Undisclosed"))
    strange = replace(make_field(NAME), items=("first", "second"))
    (one,) = compare(make_list(known, strange))
    assert [line.value for line in one.values] == ["Undisclosed"]
    assert one.unlinked == []
