"""Faults of a site's own lines: all are told at once, each with file and line, none is passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.catalog import CatalogFaults, read_catalog
from models.tables.plan import plan_tables

EXPECTATIONS = "data_model,event_type,path,required,rating,basis,source"
SETTINGS = "name,value,meaning"


def faults_of(folder: Path, file: str, *lines: str) -> list[str]:
    (folder / file).write_text("\n".join([*lines, ""]), "utf-8")
    with pytest.raises(CatalogFaults) as raised:
        read_catalog(folder)
    return [f"{fault.line}: {fault.message}" for fault in raised.value.faults]


def test_expectations_of_what_there_is_not_are_faults(tmp_path: Path) -> None:
    faults = faults_of(
        tmp_path,
        "expectations.csv",
        EXPECTATIONS,
        "Nope,*,Visit.VisitNumber,,Reliable,documented,x",
        "PatientAdmin,Nope,Visit.VisitNumber,,Reliable,documented,x",
        "PatientAdmin,*,Visit.Nope,,Reliable,documented,x",
        "*,Arrival,Nope.Nope,,Reliable,documented,x",
        "PatientAdmin,Arrival,Visit.VisitNumber,maybe,reliable,guessed,x",
        "*,Arrival,Visit.VisitNumber,no,Reliable,documented,x",
    )
    assert faults == [
        "2: data_model Nope is unknown",
        "3: event_type Nope is unknown",
        "4: path Visit.Nope is unknown",
        "5: path Nope.Nope is unknown",
        "6: basis is not one of documented, inferred",
        "6: rating is not one of Reliable, Probable, Possible",
        "6: required is not one of yes, no",
    ]


def test_thresholds_that_nothing_could_keep_are_faults(tmp_path: Path) -> None:
    faults = faults_of(
        tmp_path,
        "reliability_settings.csv",
        SETTINGS,
        "period_day,90,",
        "period_days,-3,",
        "reliable_above,90,",
        "min_messages,nan,",
        "confidence_z,inf,",
        "drift_past_days,many,",
        "drift_false_alarms,2,",
    )
    assert faults == [
        "2: name period_day is unknown",
        "3: value is not 0 or more",
        "4: value is not a share from 0 to 1",
        "5: value is not a number",
        "6: value is not a number",
        "7: value is not a number",
    ]


FIELDS = "data_model,path,json_type,item_type,number_kind,temporal,value_set,value_set_confidence,"
FIELDS += "sensitivity,sql_name,event_types,volatile,source,note"


def test_names_that_collide_are_faults_with_their_line(tmp_path: Path) -> None:
    long = "X" * 70
    lines = [
        FIELDS,
        "PatientAdmin,Visit.Visit_Number,string,,,,,,,visit_visit_number,*,,x,",
        "PatientAdmin,Visit.Kind,string,,,,,,,event_type,*,,x,",
        f"PatientAdmin,Visit.{long},string,,,,,,,,*,,x,",
        "PatientAdmin,Visit.Boxes[],array,object,,,,,,visit_insurances,*,,x,",
    ]
    (tmp_path / "fields.csv").write_text("\n".join([*lines, ""]), "utf-8")
    with pytest.raises(CatalogFaults) as raised:
        plan_tables(read_catalog(tmp_path))
    own = sorted((fault.line, fault.message) for fault in raised.value.faults)
    assert [line for line, _ in own] == [2, 3, 4, 5]
    assert {Path(fault.file).name for fault in raised.value.faults} == {"fields.csv"}
    assert (
        "visit_visit_number of patient_admin.message holds Visit.VisitNumber already" in own[0][1]
    )
    assert "event_type is one of patient_admin.message's own" in own[1][1]
    assert "exceeds 63 characters" in own[2][1]
    assert "table patient_admin.visit_insurances holds Visit.Insurances[] already" in own[3][1]
    assert "give Visit.Boxes[] a sql_name of its own" in str(raised.value)


def test_a_schema_belongs_to_one_data_model(tmp_path: Path) -> None:
    faults = faults_of(
        tmp_path,
        "data_models.csv",
        "data_model,schema,description",
        "Insurance,patient_admin,x",
        "Other,core,x",
        "More,Not A Word,x",
    )
    assert faults == [
        "2: schema patient_admin is that of PatientAdmin",
        "3: schema core is that of the warehouse itself",
        "4: schema is not a word of a-z, 0-9 and _",
    ]


def test_one_fault_is_told_in_the_singular(tmp_path: Path) -> None:
    (tmp_path / "reliability_settings.csv").write_text(f"{SETTINGS}\nperiod_days,x,\n")
    with pytest.raises(CatalogFaults, match=r"^The catalog has 1 fault; correct it:"):
        read_catalog(tmp_path)


def test_files_that_nobody_reads_are_faults(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("read by people")
    (tmp_path / "expectation.csv").write_text(f"{EXPECTATIONS}\n")
    (tmp_path / "fields.csv").mkdir()
    with pytest.raises(CatalogFaults) as raised:
        read_catalog(tmp_path)
    assert [(Path(fault.file).name, fault.message) for fault in raised.value.faults] == [
        ("expectation.csv", "is not a file of the catalog, which has expectations.csv"),
        ("fields.csv", "is no file"),
    ]
