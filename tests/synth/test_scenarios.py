"""Scenarios: the same run from the same seed, and one truth whatever the order of delivery."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from etl.errors import UsageFault
from etl.synth.scenarios import ScenarioDials, ScenariosWritten, write_scenarios
from etl.synth.scenarios.cases import SCENARIOS
from etl.synth.scenarios.dials import Arrival
from etl.synth.scenarios.identities import IDENTITIES
from etl.synth.scenarios.lists import lines
from models.catalog import Catalog
from tests.packaged import packaged_catalog
from tests.reference.end_state import Identities, Received, appointments, encounters, in_time

PATIENTS = 150


def write(folder: Path, **dials: Any) -> ScenariosWritten:
    return write_scenarios(
        folder / "messages",
        dials=ScenarioDials(**{"patients": PATIENTS, **dials}),
        truth=folder / "truth",
    )


def payloads(folder: Path) -> list[dict[str, Any]]:
    """All messages of a run without their envelopes, in the order of delivery."""
    files = sorted((folder / "messages").rglob("*.ndjson"))
    rows = [json.loads(line) for file in files for line in file.read_bytes().splitlines()]
    return [row.get("body", row) for row in rows]


def truth(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "truth" / f"{name}.csv").open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text))


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenarios")
    write(folder)
    return folder


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough people that everything that can happen has happened."""
    folder = tmp_path_factory.mktemp("many-scenarios")
    write(folder, patients=1_500)
    return folder


def test_the_same_seed_gives_the_same_bytes(run: Path, tmp_path: Path) -> None:
    write(tmp_path)
    assert contents(tmp_path) == contents(run)


def test_another_seed_gives_other_people(run: Path, tmp_path: Path) -> None:
    write(tmp_path, seed=2)
    assert not set(contents(tmp_path).values()) & set(contents(run).values())


@pytest.mark.parametrize("delivery", [{"arrival": Arrival.SHUFFLED}, {"late": 0.2}])
def test_the_order_of_delivery_changes_neither_messages_nor_truth(
    run: Path, tmp_path: Path, delivery: dict[str, Any]
) -> None:
    write(tmp_path, **delivery)
    assert contents(tmp_path / "truth") == contents(run / "truth")
    in_order, delivered = payloads(run), payloads(tmp_path)
    assert delivered != in_order
    assert sorted(map(json.dumps, delivered)) == sorted(map(json.dumps, in_order))


def test_messages_are_delivered_in_the_order_of_their_events(run: Path) -> None:
    times = [
        message["Meta"]["EventDateTime"]
        for message in payloads(run)
        if "EventDateTime" in message["Meta"]
    ]
    assert times == sorted(times)


def test_replies_carry_no_time_but_that_of_their_envelope(many: Path) -> None:
    rows = [
        json.loads(line)
        for file in (many / "messages" / "replies").iterdir()
        for line in file.read_bytes().splitlines()
    ]
    assert rows
    assert all(row["received_at"].endswith("Z") for row in rows)
    assert not any("EventDateTime" in row["body"]["Meta"] for row in rows)


def test_only_fields_that_the_event_type_lists_are_sent(many: Path) -> None:
    catalog = packaged_catalog()
    sent: dict[tuple[str, str], set[str]] = {}
    for message in payloads(many):
        if not is_reply_under_query(message):
            event = message["Meta"]["DataModel"], message["Meta"]["EventType"]
            sent.setdefault(event, set()).update(paths(message))
    unlisted = {event: found - listed(catalog, *event) for event, found in sent.items()}
    assert {event: found for event, found in unlisted.items() if found} == {}


def listed(catalog: Catalog, data_model: str, event_type: str) -> set[str]:
    return {field.path for field in catalog.fields[data_model] if event_type in field.event_types}


def is_reply_under_query(message: dict[str, Any]) -> bool:
    """Recorded replies of Redox carry the event type of their query; some of ours do too."""
    return "EventDateTime" not in message["Meta"]


def paths(value: Any, path: str = "") -> set[str]:
    """Every path of a payload in Redox notation."""
    if isinstance(value, dict):
        below = [paths(inner, f"{path}.{key}".lstrip(".")) for key, inner in value.items()]
        return set().union({path} - {""}, *below)
    if isinstance(value, list):
        return set().union({f"{path}[]"}, *(paths(inner, f"{path}[]") for inner in value))
    return {path}


KEYS = {
    "patients": ("patient_id",),
    "patient_identifiers": ("source_id", "id_type", "id"),
    "encounters": ("encounter_id",),
    "encounter_locations": ("encounter_id", "from_at"),
    "appointments": ("appointment_id",),
    "orders": ("source_id", "order_id"),
    "lab_results": ("data_source", "accession_number", "source_component_code", "repetition"),
    "observations": ("patient_id", "source_code", "observed_at"),
    "diagnoses": ("patient_id", "encounter_id", "condition_type", "source_code"),
    "medications": ("data_source", "order_id", "patient_id", "source_code", "start_at"),
    "medication_administrations": ("data_source", "order_id", "start_at"),
    "allergies": ("patient_id", "source_code"),
    "immunizations": ("patient_id", "source_code", "occurrence_at"),
    "documents": ("data_source", "document_id"),
    "procedures": ("patient_id", "source_code", "procedure_at"),
    "charges": ("data_source", "charge_id"),
    "claim_lines": ("data_source", "claim_id", "claim_line_number"),
    "coverages": ("patient_id", "priority"),
}


def test_every_file_of_truth_is_written_and_described(many: Path) -> None:
    written = {path.stem for path in (many / "truth").iterdir()}
    assert written == set(KEYS)
    page = (Path(__file__).parents[2] / "docs" / "synth.md").read_text("utf-8")
    assert [name for name in KEYS if f"`{name}.csv`" not in page] == []


@pytest.mark.parametrize("name", KEYS)
def test_keys_of_the_truth_are_unique(many: Path, name: str) -> None:
    keys = [tuple(row[column] for column in KEYS[name]) for row in truth(many, name)]
    assert len(keys) == len(set(keys)) > 0


@pytest.mark.parametrize("name", KEYS)
def test_references_of_the_truth_exist(many: Path, name: str) -> None:
    patients = {row["patient_id"] for row in truth(many, "patients")}
    encounters_known = {row["encounter_id"] for row in truth(many, "encounters")} | {""}
    for row in truth(many, name):
        assert row["patient_id"] in patients
        assert row.get("encounter_id", "") in encounters_known


def test_times_agree(many: Path) -> None:
    for row in truth(many, "encounters"):
        if row["encounter_end_at"]:
            assert row["encounter_start_at"] < row["encounter_end_at"]
    for row in truth(many, "lab_results"):
        assert row["collected_at"] < row["resulted_at"]


def test_flags_agree_with_values(many: Path) -> None:
    flags = Counter(row["abnormal_flag"] for row in truth(many, "lab_results"))
    assert {"Normal", "Low", "High", "Critically High"} <= set(flags)
    for row in truth(many, "lab_results"):
        if row["result_number"] and row["normal_range_low"] and not row["comparator"]:
            number = float(row["result_number"])
            low, high = float(row["normal_range_low"]), float(row["normal_range_high"])
            assert (row["abnormal_flag"] == "Normal") == (low <= number <= high)


def test_vaccines_fit_the_age_and_lists_hold_what_is_taken_at_home(many: Path) -> None:
    born = {row["patient_id"]: row["birth_date"] for row in truth(many, "patients")}
    bounds = {row["code"]: (int(row["from_age"]), int(row["to_age"])) for row in lines("vaccines")}
    given = [
        (
            int(row["occurrence_at"][:4]) - int(born[row["patient_id"]][:4]),
            bounds[row["source_code"]],
        )
        for row in truth(many, "immunizations")
        if row["patient_id"] in born
    ]
    assert len({bound for _, bound in given}) > 2
    assert all(first <= age <= last + 1 for age, (first, last) in given)
    listed = [row for row in truth(many, "medications") if not row["order_id"]]
    assert {row["route"] for row in listed} == {"Oral"}


def test_every_listed_scenario_exists_and_happens() -> None:
    assert {line["scenario"] for line in lines("mix")} == set(SCENARIOS)
    assert {line["identity"] for line in lines("identities")} == set(IDENTITIES)


def test_all_end_states_occur(many: Path) -> None:
    statuses = {row["encounter_status"] for row in truth(many, "encounters")}
    assert statuses == {"planned", "in-progress", "finished", "cancelled", "unknown"}
    codes = {row["status_code"] for row in truth(many, "appointments")}
    assert codes == {"booked", "rescheduled", "cancelled", "noshow", "fulfilled"}
    assert any(row["retired_by"] for row in truth(many, "patient_identifiers"))
    assert any(row["has_changed_patient"] == "true" for row in truth(many, "encounters"))


def test_a_folder_with_files_is_refused(run: Path) -> None:
    with pytest.raises(UsageFault, match="not empty"):
        write(run)


def received(folder: Path) -> list[Received]:
    """All messages of a run with their times, as the independent recount takes them."""
    rows = [
        json.loads(line)
        for file in sorted((folder / "messages").rglob("*.ndjson"))
        for line in file.read_bytes().splitlines()
    ]
    return in_time(
        (row["received_at"], row["body"]) if "body" in row else (row["Meta"]["EventDateTime"], row)
        for row in rows
    )


def agrees(told: list[dict[str, str]], key: str, counted: dict[str, dict[str, str]]) -> None:
    """Every counted row says what the truth says, and none is missing."""
    truth_of = {row[key]: row for row in told}
    assert truth_of.keys() == counted.keys()
    different = {
        name: (column, truth_of[name][column], value)
        for name, row in counted.items()
        for column, value in row.items()
        if truth_of[name][column] != value
    }
    assert not different, (len(different), next(iter(different.items())))


def test_truth_of_encounters_is_what_the_rules_make_of_the_messages(many: Path) -> None:
    counted = {name: visit.row() for name, visit in encounters(received(many)).items()}
    agrees(truth(many, "encounters"), "encounter_id", counted)


def test_truth_of_appointments_is_what_the_rules_make_of_the_messages(many: Path) -> None:
    agrees(truth(many, "appointments"), "appointment_id", appointments(received(many)))


def test_truth_of_identifiers_is_what_the_rules_make_of_the_messages(many: Path) -> None:
    identities = Identities(received(many))
    rows = truth(many, "patient_identifiers")
    own = {row["id_type"] for row in rows} - {"EHRID", "NIST"}
    assert any(row["patient_id"] != f"{row['source_id']}:{row['id']}" for row in rows)
    for row in rows:
        if row["id_type"] in own:
            named = [{"ID": row["id"], "IDType": row["id_type"]}]
            assert identities.patient_id(row["source_id"], named) == row["patient_id"]
