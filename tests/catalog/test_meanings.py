"""Every field says what it is; a line of meanings.csv that describes nothing is a fault."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.catalog import Catalog, CatalogFaults, read_catalog
from models.catalog.csv_table import Line
from models.catalog.meanings import Meanings

LONGEST = 120


def _meanings(*lines: tuple[str, str, str, str]) -> Meanings:
    columns = ("data_model", "path", "meaning", "called")
    return Meanings(
        Line("meanings.csv", number, dict(zip(columns, line, strict=True)), is_site=False)
        for number, line in enumerate(lines, 2)
    )


def _meaning(catalog: Catalog, data_model: str, path: str) -> str:
    return next(field.meaning for field in catalog.fields[data_model] if field.path == path)


@pytest.mark.parametrize(
    ("data_model", "path", "meaning"),
    [
        ("PatientAdmin", "Patient.PCP.FirstName", "first name of the primary care provider"),
        ("Scheduling", "Visit.Location.Department", "department of the visit"),
        ("Clinical Summary", "Encounters[].Type.AltCodes[].Code",
         "code of the type of an encounter in another code system"),
        ("SSO", "FirstName", "first name of the user"),
        ("Financial", "Transactions[].ID", "identifier of a charge"),
        ("PatientAdmin", "Visit.Insurances[].Company.Address.City",
         "city in the address of the insurance company"),
    ],
)  # fmt: skip
def test_a_field_is_described_with_what_holds_it(
    catalog: Catalog, data_model: str, path: str, meaning: str
) -> None:
    assert _meaning(catalog, data_model, path) == meaning


def test_every_field_has_a_short_meaning(catalog: Catalog) -> None:
    fields = [field for own in catalog.fields.values() for field in own]
    assert [(f.data_model, f.path) for f in fields if not f.meaning] == []
    assert [f.path for f in fields if len(f.meaning) > LONGEST or ";" in f.meaning] == []
    assert [f.meaning for f in fields if f.meaning[0].isupper() or f.meaning[-1] == "."] == [
        f.meaning for f in fields if f.meaning.startswith(("National", "Social", "Direct"))
    ]
    assert len({field.meaning for field in fields}) > 4000


def test_the_line_of_the_data_model_wins_then_the_longest_ending() -> None:
    meanings = _meanings(
        ("*", "Visit", "the visit", ""),
        ("*", "*.ID", "identifier of {parent}", ""),
        ("*", "*.Order.ID", "number of {parent}", ""),
        ("Order", "*.ID", "order number", ""),
        ("*", "*.Order", "the order of {parent}", "the order"),
    )
    assert meanings.meaning_of("Results", "Visit.Order.ID") == "number of the order"
    assert meanings.meaning_of("Results", "Visit.ID") == "identifier of the visit"
    assert meanings.meaning_of("Order", "Visit.ID") == "order number"
    assert meanings.meaning_of("Order", "Visit.Order") == "the order of the visit"


def test_what_lies_in_something_undescribed_is_not_described() -> None:
    meanings = _meanings(("*", "*.ID", "identifier of {parent}", ""))
    assert meanings.meaning_of("Order", "Thing.ID") == ""


def test_a_pattern_that_describes_nothing_is_a_fault(catalog: Catalog) -> None:
    meanings = _meanings(("*", "*.FirstName", "first name", ""), ("*", "*.Nose", "nose", ""))
    for name, fields in catalog.fields.items():
        for field in fields:
            meanings.meaning_of(name, field.path)
    assert [str(one) for one in meanings.unused()] == [
        "meanings.csv:3: path *.Nose describes no field"
    ]


def test_a_site_words_a_field_anew(tmp_path: Path) -> None:
    (tmp_path / "meanings.csv").write_text(
        "data_model,path,meaning\nPatientAdmin,Visit.VisitNumber,contact serial number\n"
    )
    site = read_catalog(tmp_path)
    assert _meaning(site, "PatientAdmin", "Visit.VisitNumber") == "contact serial number"
    assert _meaning(site, "Scheduling", "Visit.VisitNumber").startswith("number that identifies")


def test_a_line_without_meaning_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "meanings.csv").write_text("data_model,path,meaning\n*,*.ID,\n")
    with pytest.raises(CatalogFaults, match=r"meanings\.csv:2: meaning is missing"):
        read_catalog(tmp_path)
