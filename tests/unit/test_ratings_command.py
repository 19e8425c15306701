"""`redox-warehouse catalog`: what it prints, writes and refuses."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from etl.cli.catalog import catalog as command
from etl.errors import UsageFault
from etl.ratings.compare import find_expectations
from etl.ratings.event_tree import plant_tree
from etl.settings import read_settings
from models.catalog import Catalog, read_catalog
from models.catalog.records import Rating
from tests.packaged import packaged_catalog, read_once
from tests.pages.facts import Fact, expected, make_facts
from tests.pages.layouts import paths_text, run_together_text, tree_text
from tests.pages.markup import SPANS, html_page, tree_html

BOOKED = ("Scheduling", "Booked")
Invoke = Callable[..., Result]


@cache
def packaged() -> Catalog:
    return packaged_catalog()


def booked_facts() -> list[Fact]:
    return make_facts(packaged(), *BOOKED, 1)


@pytest.fixture(autouse=True)
def _packaged_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etl.ratings.importing.read_catalog", read_once)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def invoke(home: Path) -> Invoke:
    def run(*arguments: object) -> Result:
        settings = read_settings(home)
        return CliRunner().invoke(
            command, [str(one) for one in arguments], obj=settings, catch_exceptions=False
        )

    return run


@pytest.fixture
def save(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        path = tmp_path / "pages" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


Save = Callable[[str, str], Path]


def as_json(result: Result) -> dict[str, Any]:
    return dict(json.loads(result.output))


def in_force(home: Path) -> dict[str, tuple[bool, Rating | None]]:
    """Required and documented rating of every path of Scheduling Booked in the site's catalog."""
    catalog = read_catalog(home / "catalog")
    lines = {(one.data_model, one.event_type, one.path): one for one in catalog.expectations}
    stated = {}
    for path in plant_tree(catalog, *BOOKED).shapes:
        found = find_expectations(lines, *BOOKED, path)[:1]
        rating = found[0].rating if found and not found[0].is_inferred else None
        stated[path] = (bool(found and found[0].required), rating)
    return stated


def test_without_write_nothing_changes(invoke: Invoke, save: Save, home: Path) -> None:
    result = invoke("import-ratings", save("booked.txt", tree_text(booked_facts())))
    assert result.exit_code == 0
    assert "Scheduling Booked, layout B" in result.output
    assert "Nothing was written; --write would write" in result.output
    assert "have a documented rating" in result.output
    assert not home.exists()


def test_write_completes_the_overlay_and_twice_is_once(
    invoke: Invoke, save: Save, home: Path
) -> None:
    page = save("booked.html", html_page(tree_html(booked_facts(), SPANS), title="Made | Booked"))
    assert invoke("import-ratings", page, "--write").exit_code == 0
    assert in_force(home) == expected(booked_facts())
    before = (home / "catalog" / "expectations.csv").read_bytes()
    again = invoke("import-ratings", page, "--write")
    assert "Nothing to write" in again.output
    assert (home / "catalog" / "expectations.csv").read_bytes() == before
    assert b"page: Made / Booked (booked.html)" in before


def test_a_page_written_is_news_no_more(invoke: Invoke, save: Save) -> None:
    page = save("booked.txt", run_together_text(booked_facts()))
    (before,) = as_json(invoke("import-ratings", page, "--write", "--json"))["lists"]
    (after,) = as_json(invoke("import-ratings", page, "--json"))["lists"]
    assert before["new"] != []
    assert (after["new"], after["contradictions"], after["to_write"]) == ([], [], 0)


def test_pages_that_differ_are_not_said_to_be_in_the_catalog(invoke: Invoke, save: Save) -> None:
    text = tree_text(booked_facts())
    page = save("a.txt", text)
    assert invoke("import-ratings", page, "--write").exit_code == 0
    number = text.index("Probable")
    other = save("b.txt", f"{text[:number]}Possible{text[number + len('Probable') :]}")

    output = invoke("import-ratings", page, other).output

    assert "the pages differ, neither is written" in output
    assert "contradictions stay as they are" in output


def test_json_holds_every_field_with_its_line(invoke: Invoke, save: Save) -> None:
    page = save("booked.txt", paths_text(booked_facts()))
    (found,) = as_json(invoke("import-ratings", page, "--json"))["lists"]
    assert (found["data_model"], found["event_type"], found["layout"]) == (*BOOKED, "paths")
    assert found["paths_known"] == found["paths_in_catalog"] == len(booked_facts())
    lines = page.read_text().splitlines()
    assert all(lines[one["line"] - 1] == one["path"] for one in found["fields"])


def test_new_contradicting_and_unread_lines_are_printed(invoke: Invoke, save: Save) -> None:
    facts = [
        replace(one, rating=None) if one.path == "Meta.Test" else one for one in booked_facts()
    ]
    text = tree_text(facts).replace("- FacilityCode\n", "- FacilityCode\n    Reliable\n")
    output = invoke("import-ratings", save("booked.txt", text)).output
    assert "  new (" in output
    assert "  contradicts the catalog (" in output
    assert "  could not be read (" in output
    assert "[a rating that follows no field's type]" in output


def test_a_page_of_another_model_is_refused(invoke: Invoke, save: Save, home: Path) -> None:
    text = tree_text(make_facts(packaged(), "PatientAdmin", "Arrival"))
    wrong = text.replace("PatientAdmin", "Inventory").replace("Arrival", "Update")
    result = invoke("import-ratings", save("wrong.txt", wrong), "--write")
    assert result.exit_code == 1
    assert "Inventory Update" in result.output
    assert "% of its paths are in the catalog of that event type" in result.output
    assert not home.exists()


@pytest.mark.parametrize(("strangers", "is_refused"), [(10, False), (20, True)])
def test_a_page_needs_nine_tenths_of_its_paths_known(
    invoke: Invoke, save: Save, strangers: int, is_refused: bool
) -> None:
    facts = booked_facts()
    count = len(facts) * strangers // (100 - strangers)
    strange = "".join(f"  - Strange{at}\n    string\n    Reliable\n" for at in range(count))
    text = tree_text(facts).replace("End of the made page", strange)
    result = invoke("import-ratings", save("booked.txt", text), "--write")
    assert (result.exit_code == 1) is is_refused
    assert "Strange0  [not a path of the catalog]" in result.output


def test_one_bad_page_does_not_hold_up_the_others(invoke: Invoke, save: Save, home: Path) -> None:
    save("booked.txt", tree_text(booked_facts()))
    save("empty.html", "")
    folder = save("readme.md", "Nothing but words.\n").parent
    result = invoke("import-ratings", folder, "--write")
    assert result.exit_code == 1
    assert "empty.html: refused, is empty" in result.output
    assert "left out, no list of fields: readme.md" in result.output
    assert in_force(home) == expected(booked_facts())


def test_a_wrong_file_is_refused_and_not_shown(invoke: Invoke, save: Save) -> None:
    payload = '{"Meta": {"DataModel": "Notes"}, "Patient": {"Name": "Ann Example", "ID": "123"}}'
    result = invoke("import-ratings", save("payload.json", payload))
    assert result.exit_code == 1
    assert "has no list of fields" in result.output
    assert "Ann" not in result.output and "123" not in result.output


def test_control_characters_of_a_page_do_not_reach_the_terminal(invoke: Invoke, save: Save) -> None:
    text = tree_text(booked_facts()).replace("End of the made page", "\x1b[2JReliable\n\x1b[2J")
    text += "\n  Reliable\n\x1b]0;x\x07aReliable\n"
    assert "\x1b" not in invoke("import-ratings", save("booked.txt", text)).output


def test_a_cut_page_gives_only_what_is_sure(invoke: Invoke, save: Save) -> None:
    text = tree_text(booked_facts())
    cut = text[: random.Random(4).randrange(len(text) // 2, len(text))]
    (found,) = as_json(invoke("import-ratings", save("booked.txt", cut), "--json"))["lists"]
    said = expected(booked_facts())
    assert found["paths_known"] < found["paths_in_catalog"]
    assert all(one["rating"] in (None, said[one["path"]][1]) for one in found["fields"])


def test_supported_values_reach_the_catalog(invoke: Invoke, save: Save, home: Path) -> None:
    values = ("Female", "Male", "Other", "Unknown", "Nonbinary", "Undisclosed")
    facts = [
        replace(one, values=values) if one.path == "Patient.Demographics.Sex" else one
        for one in make_facts(packaged(), "Vaccination", "New")
    ]
    invoke("import-ratings", save("a.html", html_page(tree_html(facts, SPANS))), "--write")
    assert "Undisclosed" in read_catalog(home / "catalog").value_sets["Sex"].values


def test_a_faulty_overlay_is_a_usage_fault(invoke: Invoke, save: Save, home: Path) -> None:
    (home / "catalog").mkdir(parents=True)
    (home / "catalog" / "expectations.csv").write_text("wrong,header\n")
    with pytest.raises(UsageFault, match="needs the columns"):
        invoke("import-ratings", save("booked.txt", tree_text(booked_facts())))


def test_show_prints_a_model_and_a_field(invoke: Invoke) -> None:
    model = invoke("show", "clinical summary").output
    assert "data_model  Clinical Summary" in model
    assert "VisitPush  notification" in model
    assert invoke("show", "--model", "clinical summary").output == model
    vaccination = invoke("show", "--model", "Vaccination").output
    assert re.search(r"Administration  notification, \d+ paths, [1-9]\d* documented", vaccination)
    assert "Meta.FacilityCode\tstring\tcore.message.facility_code\tPossible" in vaccination
    field = invoke("show", "PatientAdmin", "Patient.Demographics.Sex").output
    assert "supported_values  Female, Male" in field
    facts = as_json(invoke("show", "PatientAdmin", "Meta.FacilityCode", "--json"))
    assert facts["shapes"][0]["type"] == "string"
    assert {line["rating"] for line in facts["expectations"]} == {"Possible"}


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        (["Patients"], "did you mean PatientAdmin"),
        (["Notes", "Note.Provder"], "perhaps Note.Provider"),
    ],
)
def test_show_helps_with_unknown_names(invoke: Invoke, arguments: list[str], advice: str) -> None:
    with pytest.raises(UsageFault, match=advice):
        invoke("show", *arguments)
