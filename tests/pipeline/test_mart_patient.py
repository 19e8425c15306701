"""Patients as they are known now: whose identifiers are whose, merges, newest known values."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.mart_world import A, B, MartWorld, patient

NAMES = "select patient_id, first_name, last_name, sex, city from mart.patient order by patient_id"
IDENTIFIERS = (
    "select id_type, id, patient_id, is_current, retired_by, is_shared "
    "from mart.patient_identifier where source_id = 'source-a' order by id_type, id"
)


@pytest.fixture
def world(tmp_path: Path) -> MartWorld:
    return MartWorld(tmp_path)


def test_newest_known_value_wins_and_a_null_says_nothing(world: MartWorld) -> None:
    world.send("NewPatient", Patient=patient("1", FirstName="Ann", LastName="Lee", Sex="Female"))
    world.send(
        "PatientUpdate",
        Patient=patient("1", LastName="Roe", Address={"City": "Reno", "ZIP": "89501"}),
    )
    world.send("PatientUpdate", Patient=patient("1", Address={"City": "Elko"}))
    world.load()
    # name and address are taken whole: no Ann beside Roe, no ZIP code of Reno in Elko
    assert world.rows(NAMES) == [("source-a:1", None, "Roe", "Female", "Elko")]
    assert world.rows("select zip_code, messages from mart.patient") == [(None, 3)]
    assert world.broken() == []


def test_same_number_of_two_sources_is_two_patients(world: MartWorld) -> None:
    world.send("NewPatient", source=A, Patient=patient("1", LastName="Lee"))
    world.send("NewPatient", source=B, Patient=patient("1", LastName="Roe"))
    world.load()
    assert world.rows("select patient_id, last_name from mart.patient order by 1") == [
        ("source-a:1", "Lee"),
        ("source-b:1", "Roe"),
    ]


def test_own_type_is_what_merges_carry_and_never_ehrid_beside_another(world: MartWorld) -> None:
    world.send("NewPatient", Patient=patient("EHRID:e1", "MRN:1"))
    world.send("NewPatient", Patient=patient("EHRID:e2"))
    world.send("NewPatient", source=B, Patient=patient("NHS:5", "HOSP:7"))
    world.send("PatientMerge", source=B, Patient=patient("HOSP:8", previous=["HOSP:7"]))
    world.load()
    found = "select source_id, id_type, found_by from evidence.own_id_type order by 1"
    assert world.rows(found) == [
        ("source-a", "MRN", "messages"),
        ("source-b", "HOSP", "merges"),
    ]
    assert world.rows("select patient_id from mart.patient order by 1") == [
        ("source-a:1",),
        ("source-b:8",),
    ]
    assert world.broken() == []


def test_setting_names_the_own_type(tmp_path: Path) -> None:
    world = MartWorld(tmp_path, marts={"patient_id_types": {A: "NHS"}})
    world.send("NewPatient", Patient=patient("MR:1", "NHS:9"))
    world.load()
    assert world.rows("select patient_id from mart.patient") == [("source-a:9",)]


def test_chain_of_merges_leads_to_the_survivor(world: MartWorld) -> None:
    world.send("NewPatient", Patient=patient("1", FirstName="Old", LastName="One", Sex="Male"))
    world.send("NewPatient", Patient=patient("2", LastName="Two"))
    world.send("PatientMerge", Patient=patient("2", previous=["1"]))
    world.send("PatientMerge", Patient=patient("3", previous=["2"], LastName="Three"))
    # late: changes nothing of the survivor
    world.send("PatientUpdate", Patient=patient("1", Sex="Female", Address={"City": "Elko"}))
    world.load()
    assert world.rows(NAMES) == [("source-a:3", None, "Three", "Male", None)]
    assert world.rows("select messages from mart.patient") == [(5,)]
    assert world.rows(IDENTIFIERS) == [
        ("MR", "1", "source-a:3", False, "2", False),
        ("MR", "2", "source-a:3", False, "3", False),
        ("MR", "3", "source-a:3", True, None, False),
    ]
    assert world.broken() == []


def test_a_later_merge_revives_a_retired_survivor(world: MartWorld) -> None:
    world.send("NewPatient", Patient=patient("1", LastName="One"))
    world.send("PatientMerge", Patient=patient("2", previous=["1"], LastName="Two"))
    world.send("PatientMerge", Patient=patient("1", previous=["3"]))
    world.load()
    assert world.rows("select patient_id, last_name from mart.patient order by 1") == [
        ("source-a:1", "One"),
        ("source-a:2", "Two"),
    ]
    assert [row[:4] for row in world.rows(IDENTIFIERS)] == [
        ("MR", "1", "source-a:1", True),
        ("MR", "2", "source-a:2", True),
        ("MR", "3", "source-a:1", False),
    ]


def test_visit_merge_retires_nobody(world: MartWorld) -> None:
    world.send("NewPatient", Patient=patient("1"))
    world.send("VisitMerge", Patient=patient("2", previous=["1"]), Visit={"VisitNumber": "v"})
    world.load()
    assert world.rows("select patient_id from mart.patient order by 1") == [
        ("source-a:1",),
        ("source-a:2",),
    ]
    assert world.rows("select count(*) from mart.patient_identifier where not is_current") == [(0,)]


def test_an_identifier_of_two_patients_is_flagged_and_joins_nobody(world: MartWorld) -> None:
    world.send("NewPatient", Patient=patient("1", "SSN:9"))
    world.send("NewPatient", Patient=patient("2", "SSN:9"))
    world.send("NewPatient", Patient=patient("3", "EHRID:e3"))
    world.send("PatientUpdate", Patient=patient("SSN:9"))
    world.send("PatientUpdate", Patient=patient("EHRID:e3", LastName="Three"))
    world.load()
    assert world.rows("select id from mart.patient_identifier where is_shared") == [("9",)]
    bridge = "select message_id, patient_id from mart.message_patient order by 1"
    assert world.rows(bridge)[3:] == [(3, None), (4, "source-a:3")]
    assert world.rows("select count(*) from mart.patient") == [(3,)]
    assert world.broken() == []


def test_queries_and_test_messages_are_no_evidence_and_replies_are(world: MartWorld) -> None:
    visit = {"VisitNumber": "v", "VisitDateTime": "2026-03-02T09:00:00.000Z"}
    world.send("VisitQuery", Patients=[patient("asked")])
    world.send("NewPatient", Patient=patient("test"), meta={"Test": True})
    world.send("CensusQueryResponse", Patients=[patient("1") | {"Visits": [visit]}, patient("2")])
    world.load()
    assert world.rows("select path, patient_id from mart.message_patient order by path") == [
        ("Patients[1]", "source-a:1"),
        ("Patients[2]", "source-a:2"),
    ]


def test_messages_without_time_are_ordered_by_their_load(world: MartWorld) -> None:
    world.send("NewPatient", Patient=patient("1", LastName="First"), meta={"EventDateTime": None})
    world.load()
    world.send("PatientUpdate", Patient=patient("1", LastName="Last"), meta={"EventDateTime": None})
    world.load()
    assert world.rows("select last_name from mart.patient") == [("Last",)]


def test_persons_file_joins_patients_of_sources(world: MartWorld) -> None:
    world.send("NewPatient", source=A, Patient=patient("1"))
    world.send("NewPatient", source=B, Patient=patient("1"))
    world.load()
    assert world.rows("select person_id from mart.patient order by 1") == [
        ("source-a:1",),
        ("source-b:1",),
    ]
    lines = "patient_id,person_id\nsource-a:1,p\nsource-b:1,p\n"
    (world.settings.home / "persons.csv").write_text(lines)
    world.load([])
    assert world.rows("select distinct person_id from mart.patient") == [("p",)]
