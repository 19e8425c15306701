"""Words on a line: names, types and ratings, and what only looks like one."""

from __future__ import annotations

import pytest

from etl.ratings.phrases import read_rating, read_tree_type, split_glued, to_type
from models.catalog.records import JsonType, Rating, Temporal

NAMES = frozenset({"ID", "IDType", "Meta", "DataModel", "Destinations", "Company"})


@pytest.mark.parametrize(
    ("text", "rating", "rest"),
    [
        ("Reliable", Rating.RELIABLE, ""),
        ("ReliableScheduling", Rating.RELIABLE, "Scheduling"),
        ("PossibleA code", Rating.POSSIBLE, "A code"),
        ("Probable3 digits", Rating.PROBABLE, "3 digits"),
        ("Reliable(see below)", Rating.RELIABLE, "(see below)"),
        ("ReliableRequired", Rating.RELIABLE, "Required"),
        ("Reliable RequiredNew", Rating.RELIABLE, "RequiredNew"),
        ("ReliableReliable in most systems", Rating.RELIABLE, "Reliable in most systems"),
        ("Reliable in most systems", None, "Reliable in most systems"),
        ("Possible values", None, "Possible values"),
        ("Names it", None, "Names it"),
        ("Reliably sent", None, "Reliably sent"),
        ("", None, ""),
    ],
)
def test_a_rating_is_read_only_where_the_word_ends(
    text: str, rating: Rating | None, rest: str
) -> None:
    phrase = read_rating(text)
    assert (phrase.rating, phrase.rest, phrase.doubt) == (rating, rest, "")


@pytest.mark.parametrize(
    "text", ["Reliable Displays it", "Reliableidentifies", "Possible: A, B", "Reliable, mostly"]
)
def test_a_rating_word_that_may_begin_a_sentence_is_doubted(text: str) -> None:
    phrase = read_rating(text)
    assert phrase.rating is None
    assert "first word of the description" in phrase.doubt


@pytest.mark.parametrize(
    ("text", "type_", "required", "rest"),
    [
        ("object", JsonType.OBJECT, False, ""),
        ("required, object", JsonType.OBJECT, True, ""),
        ("string, null", JsonType.STRING, False, ""),
        ("required, number, null", JsonType.NUMBER, True, ""),
        ("Array of object", JsonType.ARRAY, False, ""),
        ("stringReliableNew", JsonType.STRING, False, "ReliableNew"),
        ("objectContains", JsonType.OBJECT, False, "Contains"),
    ],
)
def test_a_type_line_is_read(text: str, type_: JsonType, required: bool, rest: str) -> None:
    phrase = read_tree_type(text)
    assert phrase is not None
    assert (phrase.type.json_type, phrase.required, phrase.rest) == (type_, required, rest)


@pytest.mark.parametrize(
    "text", ["strings", "objective", "string of letters", "String", "", "null"]
)
def test_a_sentence_is_no_type_line(text: str) -> None:
    assert read_tree_type(text) is None


def test_types_of_layout_a_are_read() -> None:
    words = ["DateTime", "Date", "Numeric", "Array of Objects", "Array of Strings", "Decimal"]
    types = [to_type(word) for word in words]
    assert [one and (one.json_type, one.item_type, one.temporal) for one in types] == [
        (JsonType.STRING, None, Temporal.DATETIME),
        (JsonType.STRING, None, Temporal.DATE),
        (JsonType.NUMBER, None, None),
        (JsonType.ARRAY, JsonType.OBJECT, None),
        (JsonType.ARRAY, JsonType.STRING, None),
        None,
    ]


@pytest.mark.parametrize(
    ("text", "name", "tail"),
    [
        ("IDstring, null", "ID", "string, null"),
        ("IDTypestring, nullPossible", "IDType", "string, nullPossible"),
        ("DataModelrequired, stringReliableX", "DataModel", "required, stringReliableX"),
        ("DestinationsArray of objectContains", "Destinations", "Array of objectContains"),
        ("CompanyArray of string", "Company", "Array of string"),
        ("NewFieldstring, null", "NewField", "string, null"),
        ("Destinations[]Array of object", "Destinations[]", "Array of object"),
        ("ID required, string Reliable", "ID", "required, stringReliable"),
    ],
)
def test_a_run_together_field_is_split(text: str, name: str, tail: str) -> None:
    glued = split_glued(text, NAMES)
    assert glued is not None
    assert (glued.name, glued.tail) == (name, tail)


@pytest.mark.parametrize(
    "text", ["A string that names it", "The number of visits", "Substrings", "ID", "idstring", ""]
)
def test_a_sentence_is_no_run_together_field(text: str) -> None:
    assert split_glued(text, NAMES) is None


def test_the_longest_known_name_wins() -> None:
    names = frozenset({"Sub", "Substring"})
    glued = split_glued("Substringobject", names)
    assert glued is not None
    assert (glued.name, glued.tail) == ("Substring", "object")
