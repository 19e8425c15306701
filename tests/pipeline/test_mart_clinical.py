"""Results and diagnoses: newest versions, numbers, codes, lists that are snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pipeline.mart_world import A, MartWorld, patient


def component(code: str, value: str | None, **more: Any) -> dict[str, Any]:
    return {"Code": code, "Codeset": "LN", "Value": value, **more}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MartWorld]:
    world = MartWorld(tmp_path_factory.mktemp("results"))

    def report(event: str, order: dict[str, Any], *components: dict[str, Any]) -> None:
        world.send(
            event,
            model="Results",
            Patient=patient("1"),
            Visit={"VisitNumber": "v"},
            Orders=[order | {"Results": list(components)}],
        )

    world.send("Arrival", Patient=patient("1"), Visit={"VisitNumber": "v"})
    report("New", {"ID": "o1", "ResultsStatus": "Preliminary"},
           component("a", "1.5", Units="mg", AbnormalFlag="High"),
           component("b", "<5"), component("b", "seen"))  # fmt: skip
    report("New", {"ID": "o1", "ResultsStatus": "Final"}, component("a", "1.2", AbnormalFlag="N"))
    report("New", {"ID": "o1"}, component("b", None, Status="Deleted"))
    report("NewUnsolicited", {"ApplicationOrderID": "x1"}, component("a", ">= 1e3"))
    report("NewUnsolicited", {}, component("a", "1,200"))
    yield world.publish()


def test_newest_version_wins_and_missing_components_keep_theirs(results: MartWorld) -> None:
    query = (
        "select accession_number, source_component_code, repetition, result, units, status, "
        "normalized_status, is_abnormal from mart.lab_result where accession_number = 'o1' "
        "order by source_component_code, repetition"
    )
    assert results.rows(query) == [
        ("o1", "a", 1, "1.2", None, "Final", "final", False),
        ("o1", "b", 1, "<5", None, "Deleted", "deleted", None),
        ("o1", "b", 2, "seen", None, "Preliminary", "preliminary", None),
    ]


def test_numbers_are_read_only_where_the_whole_text_is_one(results: MartWorld) -> None:
    query = "select result, comparator, result_number from mart.lab_result order by result"
    assert results.rows(query) == [
        ("1,200", None, None),
        ("1.2", None, 1.2),
        ("<5", "<", 5.0),
        (">= 1e3", ">=", 1000.0),
        ("seen", None, None),
    ]


def test_results_name_patient_visit_and_code_system(results: MartWorld) -> None:
    query = (
        "select distinct patient_id, encounter_id, source_component_code_type, loinc_code = "
        "source_component_code from mart.lab_result"
    )
    assert results.rows(query) == [(f"{A}:1", f"{A}:v", "LOINC", True)]
    assert results.broken() == []


def test_problem_lists_are_snapshots(tmp_path: Path) -> None:
    world = MartWorld(tmp_path)
    diabetes = {"Code": "44054006", "CodeSystem": "2.16.840.1.113883.6.96", "Name": "Diabetes"}
    asthma = {"Code": "195967001", "CodeSystemName": "SNOMED CT", "Name": "Asthma"}
    header = {"Header": {"Patient": patient("1")}}
    summary: dict[str, Any] = {"model": "Clinical Summary", **header}
    world.send("PatientPush", Problems=[diabetes, asthma], **summary)
    world.send("PatientPush", Problems=[asthma], **summary)
    world.send("PatientPush", Problems=[], **summary)
    diagnosis = {"Code": "J45.909", "Codeset": "ICD10", "Name": "Asthma"}
    world.send(
        "Arrival",
        Patient=patient("1") | {"Diagnoses": [diagnosis]},
        Visit={"VisitNumber": "v"},
    )
    world.send(
        "Transaction",
        model="Financial",
        Patient=patient("1"),
        Visit={"VisitNumber": "v"},
        Transactions=[{"Diagnoses": [diagnosis]}],
    )
    world.publish()
    query = (
        "select patient_id, encounter_id, condition_type, source_code_type, source_code, "
        "is_on_latest_list, messages from mart.diagnosis order by condition_type, source_code"
    )
    assert world.rows(query) == [
        (f"{A}:1", f"{A}:v", "billing", "ICD-10-CM", "J45.909", None, 1),
        (f"{A}:1", f"{A}:v", "encounter", "ICD-10-CM", "J45.909", None, 1),
        (f"{A}:1", None, "problem", "SNOMED-CT", "195967001", True, 2),
        (f"{A}:1", None, "problem", "SNOMED-CT", "44054006", False, 1),
    ]
    assert world.broken() == []
