"""Fields into paths: by nesting, and by the catalog where nesting is lost."""

from __future__ import annotations

from collections.abc import Iterable

from etl.ratings.event_tree import EventTree
from etl.ratings.phrases import to_type
from etl.ratings.places import known_share, place_entries
from etl.ratings.records import Entry, Layout, Placed
from models.catalog.records import Field, JsonType, Rating

PATHS = (
    "Meta{}",
    "Meta.Test",
    "Patient{}",
    "Patient.ID",
    "Patient.Name",
    "Patient.Home{}",
    "Patient.Home.City",
    "Patient.Home.Name",
    "Patient.Kin[]",
    "Patient.Kin[].Name",
    "Patient.Kin[].Home{}",
    "Patient.Kin[].Home.City",
)


def make_field(path: str) -> Field:
    is_object, is_array = path.endswith("{}"), path.endswith("[]")
    kind = JsonType.ARRAY if is_array else JsonType.OBJECT if is_object else JsonType.STRING
    item = JsonType.OBJECT if is_array else None
    return Field(
        "Made",
        path.removesuffix("{}"),
        kind,
        item,
        None,
        None,
        "",
        "",
        "",
        "",
        frozenset({"New"}),
        False,
        "",
        "",
    )


def make_tree(paths: Iterable[str] = PATHS) -> EventTree:
    fields = [make_field(path) for path in paths]
    return EventTree("Made", "New", {field.path: (field,) for field in fields})


def make_entry(text: str, *, at: int = 0) -> Entry:
    """An entry from `  Name{}`: indentation is depth, `|` a column without meaning."""
    name = text.strip(" |")
    words = "object" if name.endswith("{}") else "Array of object" if "[]" in name else "string"
    depth = None if text.startswith("|") else len(text) - len(text.lstrip())
    return Entry(at, depth, name.rstrip("{}[]"), to_type(words), False, Rating.PROBABLE)


def place(*lines: str, paths: Iterable[str] = PATHS) -> tuple[Placed, ...]:
    entries = [make_entry(line, at=at) for at, line in enumerate(lines)]
    return place_entries(entries, make_tree(paths), Layout.TREE)


def sure(placed: Iterable[Placed]) -> list[str]:
    return [one.path for one in placed if one.is_known and not one.doubt]


def doubted(placed: Iterable[Placed]) -> list[str]:
    return [one.path for one in placed if one.is_known and one.doubt]


def test_nesting_gives_the_path() -> None:
    placed = place("Patient{}", "  Home{}", "    City", "  Kin[]", "    Name", "  Name")
    assert sure(placed) == [
        "Patient",
        "Patient.Home",
        "Patient.Home.City",
        "Patient.Kin[]",
        "Patient.Kin[].Name",
        "Patient.Name",
    ]


def test_the_catalog_gives_the_path_where_nesting_is_lost() -> None:
    lines = (
        "|Meta{}",
        "|Test",
        "|Patient{}",
        "|ID",
        "|Kin[]",
        "|Name",
        "|Home{}",
        "|City",
        "|Home{}",
        "|City",
        "|Name",
        "|Name",
    )
    placed = place(*lines)
    assert set(sure(placed)) == {path.removesuffix("{}") for path in PATHS}
    assert doubted(placed) == []


def test_a_name_with_two_possible_places_is_doubted() -> None:
    lines = ("|Kin[]", "|Name", "|Home{}", "|City", "|Home{}", "|City", "|Name", "|ID")
    placed = place("|Patient{}", *lines)
    assert doubted(placed) == ["Patient.Kin[].Name", "Patient.Home.Name"]
    assert "Patient.ID" in sure(placed)


def test_what_lies_below_a_doubted_object_is_doubted() -> None:
    placed = place("|Patient{}", "|Kin[]", "|Name", "|Home{}", "|City", "|Name")
    assert "Patient.Kin[].Home" in doubted(placed)
    assert "Patient.Kin[].Home.City" in doubted(placed)


def test_a_name_that_may_belong_to_an_object_not_printed_is_doubted() -> None:
    placed = place("|Patient{}", "|ID", "|Name", "|Kin[]", "|Name", "|Home{}", "|City")
    assert "Patient.Name" in doubted(placed)
    assert "Patient.ID" in sure(placed)


def test_a_field_without_a_place_is_unknown() -> None:
    placed = place("|Meta{}", "|Test", "|New", "|Patient{}", "|ID")
    assert [one.path for one in placed if not one.is_known] == ["New"]
    assert known_share(placed) == 0.8


def test_fields_behind_an_unknown_object_are_doubted() -> None:
    placed = place("|Patient{}", "|Pets[]", "|Name", "|Home{}", "|City", "|ID")
    assert "Patient.Name" in doubted(placed)


def test_a_field_at_an_odd_depth_is_doubted() -> None:
    placed = place("Meta{}", "  Test", "Patient{}", "      Name", "  ID", "  Kin[]", "    Name")
    assert doubted(placed) == ["Patient.Name"]


def test_fields_that_slid_out_of_an_empty_object_are_doubted() -> None:
    placed = place("Patient{}", "  ID", "  Home{}", "  Name")
    assert doubted(placed) == ["Patient.Name"]


def test_fields_of_an_object_whose_line_is_lost_are_doubted_with_those_they_joined() -> None:
    lines = ("Patient{}", "  ID", "  Home{}", "    City", "    City", "    Name", "  Name")
    placed = place(*lines)
    assert set(doubted(placed)) == {"Patient.Home.City", "Patient.Home.Name"}
    assert sure(placed) == ["Patient", "Patient.ID", "Patient.Home", "Patient.Name"]


def test_nesting_that_makes_no_sense_is_not_used() -> None:
    lines = (
        "Meta{}",
        "  Test",
        "    Patient{}",
        "ID",
        "  Name",
        "    Home{}",
        "  City",
        "Name",
        "Kin[]",
        "Name",
        "  Home{}",
        " City",
    )
    placed = place(*lines)
    assert known_share(placed) == 1.0
    assert "Meta.Patient" not in {one.path for one in placed}


def test_a_path_printed_twice_is_doubted_only_when_it_differs() -> None:
    entries = [make_entry("Meta.Test"), make_entry("Meta.Test")]
    tree = make_tree()
    assert doubted(place_entries(entries, tree, Layout.PATHS)) == []
    other = Entry(3, 0, "Meta.Test", to_type("String"), False, Rating.POSSIBLE)
    placed = place_entries([*entries, other], tree, Layout.PATHS)
    assert doubted(placed) == ["Meta.Test"] * 3


def test_the_share_of_no_fields_is_nothing() -> None:
    assert known_share([]) == 0.0
