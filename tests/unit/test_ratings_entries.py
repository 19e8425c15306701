"""Lines into fields: where a field begins, which words are its rating, what is left over."""

from __future__ import annotations

from etl.ratings.entries import ListText, read_entries
from etl.ratings.from_html import read_html
from etl.ratings.from_text import split_lines, unglue
from etl.ratings.phrases import prints_paths
from etl.ratings.records import Entry, TextLine, Unread
from models.catalog.records import Rating

NAMES = frozenset({"ID", "IDType", "Name", "Meta", "DataModel", "Sex"})


def read(
    lines: list[TextLine], *, is_plain: bool = True, is_cut: bool = False
) -> tuple[list[Entry], list[Unread]]:
    has_paths = prints_paths(lines)
    spread = lines if has_paths else list(unglue(lines, NAMES))
    return read_entries(ListText(spread, has_paths, is_plain, is_cut))


def read_text(text: str, *, is_cut: bool = False) -> tuple[list[Entry], list[Unread]]:
    return read(list(split_lines(text)), is_cut=is_cut)


def read_markup(markup: str) -> tuple[list[Entry], list[Unread]]:
    return read(list(read_html(markup).lines), is_plain=False)


def rated(entries: list[Entry]) -> dict[str, Rating | None]:
    return {entry.name: entry.rating for entry in entries}


def reasons(unread: list[Unread]) -> list[str]:
    return [line.reason for line in unread]


def test_a_rating_counts_only_behind_the_type() -> None:
    entries, unread = read_text("ID\nstring, null\nNames it.\nReliable\nName\nobject\n")
    assert rated(entries) == {"ID": None, "Name": None}
    assert reasons(unread) == ["a rating that follows no field's type"]


def test_a_sentence_that_begins_with_a_rating_word_is_no_rating() -> None:
    entries, unread = read_text("ID\nstring, null\nReliable in most systems.\n")
    assert (rated(entries), unread) == ({"ID": None}, [])


def test_a_rating_is_read_before_a_sentence_that_begins_with_one() -> None:
    entries, unread = read_text("ID\nstring\nPossible\nReliable in most systems.\n")
    assert (rated(entries), unread) == ({"ID": Rating.POSSIBLE}, [])


def test_a_wrapped_sentence_is_doubted_in_text() -> None:
    entries, unread = read_text("ID\nstring, null\nPossible\nvalues are many.\n")
    assert rated(entries) == {"ID": None}
    assert "wrapped" in reasons(unread)[0]


def test_a_tag_of_its_own_is_a_rating_whatever_follows() -> None:
    markup = "<li><i>ID</i><div>string</div><div>Possible</div><p>values are many</p></li>"
    entries, unread = read_markup(f"<ul>{markup}</ul>")
    assert (rated(entries), unread) == ({"ID": Rating.POSSIBLE}, [])


def test_a_stressed_word_of_a_sentence_is_no_rating() -> None:
    for tag in ("b", "span", "code"):
        words = f"<p><{tag}>Reliable</{tag}> in most systems</p>"
        entries, _ = read_markup(f"<li><div>ID</div><div>string</div>{words}</li>")
        assert rated(entries) == {"ID": None}


def test_the_word_required_is_read_in_layout_a_only() -> None:
    paths, _ = read_text("Meta.ID\nString\nReliableRequiredNew\nMeta.Name\nString\nPossibleX\n")
    assert [(one.required, one.text) for one in paths] == [(True, "New"), (False, "X")]
    tree, _ = read_text("ID\nstring\nReliable\nRequired\n")
    assert [one.required for one in tree] == [False]


def test_a_path_without_a_type_takes_no_rating() -> None:
    text = "Meta.ID\nString\nPossible\nMeta.Name\nReliableNames it\nMeta.Sex\nString\n"
    entries, unread = read_text(text)
    assert rated(entries) == {"Meta.ID": Rating.POSSIBLE, "Meta.Sex": None}
    assert reasons(unread) == ["a path without a type", "a rating that follows no field's type"]


def test_an_unknown_type_is_listed_and_rates_nothing() -> None:
    entries, unread = read_text("Meta.ID\nString\nPossible\nMeta.Name\nDecimal\nReliableSum\n")
    assert rated(entries) == {"Meta.ID": Rating.POSSIBLE}
    assert len(unread) == 2


def test_a_type_without_a_name_takes_its_rating_along() -> None:
    entries, unread = read_text("- ID\n  string\n  required, string\n  Reliable\n")
    assert rated(entries) == {"ID": None}
    assert reasons(unread) == [
        "a type that follows no field's name",
        "a rating that follows no field's type",
    ]


def test_an_item_without_a_type_is_listed() -> None:
    _, unread = read_text("- ID\n  string\n- Name\n- Sex\n  string\n")
    assert reasons(unread) == ["an item that has no type"]


def test_lines_within_a_run_together_line_are_found() -> None:
    text = "- Metarequired, object- DataModelrequired, stringReliableNotes - IDstring, nullOf it\n"
    entries, unread = read_text(text)
    assert [(one.name, one.required, one.rating, one.text) for one in entries] == [
        ("Meta", True, None, ""),
        ("DataModel", True, Rating.RELIABLE, "Notes"),
        ("ID", False, None, "Of it"),
    ]
    assert unread == []


def test_values_come_from_a_drop_down_or_a_list_that_says_so() -> None:
    options = "<select><option>Male</option><option>Female</option></select>"
    entries, _ = read_markup(f"<div>Sex</div><div>string</div><p>The sex</p>{options}")
    assert entries[0].values == ("Male", "Female")
    text = "- Sex\n  string\n  The sex.\n  Supported values:\n  - Male\n  - Female\n"
    entries, _ = read_text(text)
    assert (entries[0].values, entries[0].items) == (("Male", "Female"), ("Male", "Female"))


def test_a_list_that_does_not_say_what_it_lists_gives_items_only() -> None:
    entries, _ = read_text("- Sex\n  string\n  Mind:\n    - Male\n    - Female\n- ID\n  string\n")
    assert (entries[0].values, entries[0].items) == ((), ("Male", "Female"))


def test_values_without_a_sure_end_are_not_taken() -> None:
    last, _ = read_text("Sex\nstring\nSupported values\nMale\nThe end of the page\n")
    assert last[0].values == ()
    inner, _ = read_text("Sex\nstring\nSupported values\nMale\nID\nstring\n")
    assert inner[0].values == ("Male",)


def test_the_end_of_a_cut_page_is_marked() -> None:
    for text in ("Meta.ID\nString\nReliable", "Meta.ID\nString\nReliableRequ", "ID\nstring"):
        entries, _ = read_text(text, is_cut=True)
        assert [one.ends_page for one in entries] == [True]
    entries, _ = read_text("Meta.ID\nString\nReliableNames", is_cut=True)
    assert [one.ends_page for one in entries] == [False]
