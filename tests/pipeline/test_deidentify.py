"""Copies without names: every column against its rule, by the standard library alone.

What is checked here is written down here: nothing of the export's own rules is read but the file
`columns.csv` that it hands over.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from etl.errors import UsageFault
from etl.pipeline.load import load_paths
from etl.pipeline.publish import publish
from etl.pipeline.reader_catalog import mart_headers
from etl.publish.export import ExportFormat
from etl.queries.deidentify.export import export_deidentified
from etl.queries.deidentify.rules import Mode, class_of, small_zip3
from etl.settings import Settings, read_settings
from etl.synth.scenarios.dials import ScenarioDials
from etl.synth.scenarios.run import write_scenarios
from tests.packaged import packaged_catalog
from tests.pipeline.small_messages import make_message

PLANTED = ("Canarius", "Wellington", "078-05-1120", "MRN4711CANARY", "12 Canary Street",
           "canary@example.org", "555 0142 7788", "VISIT4711CANARY")  # fmt: skip
CODE = re.compile("[0-9a-f]{16}")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
LEAST = 3


def planted() -> dict[str, object]:
    """A patient over 89 in a ZIP area of few people, with values where they do not belong."""
    patient = {
        "Identifiers": [{"ID": "MRN4711CANARY", "IDType": "MR"}],
        "Demographics": {
            "FirstName": "Canarius", "LastName": "Wellington", "SSN": "078-05-1120",
            "DOB": "1920-02-03", "Sex": "Canarius", "Race": "078-05-1120",
            "Address": {"StreetAddress": "12 Canary Street", "City": "Wellington", "ZIP": "03601",
                        "State": "Wellington"},
            "EmailAddresses": ["canary@example.org"], "PhoneNumber": {"Home": "555 0142 7788"},
        },
    }  # fmt: skip
    visit = {"VisitNumber": "VISIT4711CANARY", "Reason": "Canarius fell",
             "PatientClass": "MRN4711CANARY"}  # fmt: skip
    return make_message("planted", Patient=patient, Visit=visit)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Scenarios of many patients and the planted one, published."""
    folder = tmp_path_factory.mktemp("deidentify")
    write_scenarios(folder / "messages", dials=ScenarioDials(patients=60))
    planted_file = folder / "messages" / "events" / "planted.json"
    planted_file.write_text(json.dumps(planted()))
    settings = read_settings(folder / "home")
    load_paths(settings, [str(planted_file.parent)])
    publish(settings)
    return settings


@pytest.fixture(scope="module", params=list(Mode))
def copy(
    request: pytest.FixtureRequest, home: Settings, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Mode, Path]:
    """A copy in each mode, as CSV."""
    target = tmp_path_factory.mktemp("copies") / request.param.value
    export_deidentified(
        home, target, mode=request.param, file_format=ExportFormat.CSV, least_patients=LEAST
    )
    return request.param, target


def cells(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """(mart, column as handed over, action, value) of every cell that is not empty."""
    with (folder / "columns.csv").open(newline="") as file:
        actions = {
            (row["mart"], name): row["action"]
            for row in csv.DictReader(file)
            for name in row["handed_over_as"].split()
        }
    for path in sorted(folder.glob("*.csv")):
        if path.stem in ("columns", "small_cells"):
            continue
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                for name, value in row.items():
                    if value:
                        yield path.stem, name, actions[path.stem, name], value


def test_planted_values_are_in_no_copy(copy: tuple[Mode, Path]) -> None:
    _, folder = copy
    for path in folder.iterdir():
        text = path.read_text("utf-8")
        allowed = ("Wellington",) if copy[0] is Mode.LIMITED else ()
        assert [value for value in PLANTED if value in text and value not in allowed] == []


def test_every_cell_is_what_its_rule_allows(copy: tuple[Mode, Path]) -> None:
    mode, folder = copy
    this_year = date.today().year
    checks = {
        "code": CODE.fullmatch,
        "hmac": CODE.fullmatch,
        "year": lambda text: text.isdigit() and 1900 <= int(text) <= this_year + 2,
        "number": lambda text: float(text) == float(text),
        "zip3": lambda text: re.fullmatch("[0-9]{3}", text) and text not in small_zip3(),
        "shift": DAY.match,
    }
    seen = set()
    for mart, name, action, value in cells(folder):
        seen.add(action)
        if action in ("birth_year", "shift_birth"):
            is_class = name.endswith("_age_class")
            assert (
                value in ("90 or over", "under 90") if is_class else int(value[:4]) > this_year - 92
            )
        elif action in checks:
            assert checks[action](value), (mart, name, action)
        if mode is Mode.SAFE_HARBOR:
            assert not DAY.search(value), (mart, name)
    assert "word" in seen


def test_who_is_over_89_is_in_one_class(copy: tuple[Mode, Path]) -> None:
    mode, folder = copy
    found = [value for mart, name, _, value in cells(folder) if name == "birth_date_age_class"]
    assert mode is Mode.LIMITED or "90 or over" in found


def test_small_zip_areas_are_000(copy: tuple[Mode, Path]) -> None:
    mode, folder = copy
    areas = {value for _, name, _, value in cells(folder) if name == "zip_code_zip3"}
    assert mode is Mode.LIMITED or "000" in areas


def test_codes_join_marts_and_tell_nothing(copy: tuple[Mode, Path], home: Settings) -> None:
    _, folder = copy
    by_mart: dict[str, set[str]] = {}
    for mart, name, _, value in cells(folder):
        if name == "patient_id":
            by_mart.setdefault(mart, set()).add(value)
    assert by_mart["encounter"] <= by_mart["patient"]
    assert len(by_mart["patient"]) > 40


def test_shifted_dates_keep_their_weekday_and_distance(home: Settings, tmp_path: Path) -> None:
    options = {"tables": ["encounter"], "file_format": ExportFormat.CSV}
    export_deidentified(home, tmp_path / "one", mode=Mode.SHIFTED, **options)  # type: ignore[arg-type]
    export_deidentified(home, tmp_path / "two", mode=Mode.LIMITED, **options)  # type: ignore[arg-type]
    moved = _days(tmp_path / "one")
    real = _days(tmp_path / "two")
    assert sorted(day.weekday() for day in moved) == sorted(day.weekday() for day in real)
    assert max(moved) < max(real)
    again = tmp_path / "again"
    export_deidentified(home, again, mode=Mode.SHIFTED, **options)  # type: ignore[arg-type]
    assert (again / "encounter.csv").read_bytes() == (
        tmp_path / "one" / "encounter.csv"
    ).read_bytes()


def _days(folder: Path) -> list[date]:
    with (folder / "encounter.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [
        date.fromisoformat(r["encounter_start_date"]) for r in rows if r["encounter_start_date"]
    ]


def test_a_column_that_nobody_classified_is_left_out(copy: tuple[Mode, Path]) -> None:
    assert class_of("a_new_column") == ""
    _, folder = copy
    with (folder / "columns.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert all(row["action"] == "drop" for row in rows if not row["class"])


def test_classes_agree_with_the_catalogs_sensitivity() -> None:
    """Where a header says from which path a column is, the path's own class decides."""
    sensitive = {
        field.path: field.sensitivity
        for fields in packaged_catalog().fields.values()
        for field in fields
    }
    allowed = {
        "date": ("date",), "free_text": ("free_text",), "name": ("name",),
        "ssn": ("number_of_person",), "mrn": ("number_of_person", "id"),
        "account_number": ("number_of_person",), "health_plan_id": ("number_of_person",),
        "device_id": ("number_of_person",), "url": ("number_of_person",),
        "phone": ("contact",), "email": ("contact",),
        "staff": ("id", "name", "number_of_person"), "geographic": ("place", "zip", "state", "city"),
    }  # fmt: skip
    faults = []
    for name, header in mart_headers().items():
        for column, says in header.columns.items():
            path = says.split(" ")[0].rstrip(";,")
            kind = sensitive.get(path, "")
            own = class_of(column).partition(":")[0]
            if own and kind in allowed and own not in allowed[kind]:
                faults.append((name, column, path, kind, own))
    assert faults == []


def test_zip_areas_are_those_of_the_guidance() -> None:
    assert len(small_zip3()) == 17
    assert {"036", "893"} <= small_zip3()


def test_raw_tables_are_not_handed_over(home: Settings, tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="mart"):
        export_deidentified(
            home, tmp_path / "raw", mode=Mode.LIMITED, tables=["patient_admin.message"]
        )
