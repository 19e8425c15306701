"""Encounters and appointments: which steps stand, and what is true when all is told."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pipeline.mart_world import A, MartWorld, minute, patient

# event, minute, more of Meta; the status that the visit has at the end
STORIES: dict[str, tuple[list[tuple[str, int, dict[str, str]]], str]] = {
    "planned": ([("PreAdmit", 1, {})], "planned"),
    "arrived": ([("PreAdmit", 1, {}), ("Arrival", 2, {})], "in-progress"),
    "registered": ([("Registration", 1, {})], "in-progress"),
    "transferred": ([("Transfer", 1, {})], "in-progress"),
    "left": ([("Arrival", 1, {}), ("Discharge", 5, {})], "finished"),
    "left before it came": ([("Discharge", 1, {}), ("Arrival", 5, {})], "finished"),
    "only updated": ([("VisitUpdate", 1, {})], "unknown"),
    "arrival taken back": (
        [("PreAdmit", 1, {}), ("Arrival", 2, {}), ("Transfer", 3, {}), ("Discharge", 4, {}),
         ("Cancel", 5, {"CanceledEvent": "Arrival"})],
        "planned",
    ),
    "registration taken back": (
        [("Arrival", 2, {}), ("Cancel", 5, {"CanceledEvent": "Registration"})], "cancelled",
    ),
    "came after all": (
        [("Arrival", 2, {}), ("Cancel", 5, {"CanceledEvent": "Arrival"}), ("Arrival", 9, {})],
        "in-progress",
    ),
    "discharge taken back": (
        [("Arrival", 2, {}), ("Discharge", 4, {}), ("Cancel", 5, {"CanceledEvent": "Discharge"})],
        "in-progress",
    ),
    "pre-admission taken back": (
        [("PreAdmit", 1, {}), ("Arrival", 2, {}), ("Cancel", 5, {"CanceledEvent": "PreAdmit"})],
        "in-progress",
    ),
    "all taken back": ([("PreAdmit", 1, {}), ("Arrival", 2, {}), ("Cancel", 5, {})], "cancelled"),
    "taken back at the same time": (
        [("Cancel", 5, {"CanceledEvent": "Arrival"}), ("Arrival", 5, {})], "cancelled",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MartWorld]:
    world = MartWorld(tmp_path_factory.mktemp("visits"))
    for number, (steps, _) in enumerate(STORIES.values()):
        for event, at, meta in steps:
            world.send(
                event,
                at=at,
                Patient=patient(f"p{number}"),
                Visit={"VisitNumber": f"v{number}", "VisitDateTime": minute(number)},
                meta=meta,
            )
    world.send(
        "CensusQueryResponse",
        Patients=[
            patient("p90") | {"Visits": [{"VisitNumber": "v90", "PatientClass": "Inpatient"}]}
        ],
    )
    world.send("Arrival", Patient=patient("p91"), Visit={"VisitNumber": "v91"}, at=3)
    world.send("VisitMerge", Patient=patient("p92", previous=["p91"]), at=4,
               Visit={"VisitNumber": "v91"})  # fmt: skip
    world.send("VisitUpdate", Patient=patient("p91"), Visit={"VisitNumber": "v91"}, at=5)
    yield world.publish()


@pytest.mark.parametrize("story", STORIES)
def test_status_follows_from_the_steps_that_stand(visits: MartWorld, story: str) -> None:
    number = list(STORIES).index(story)
    query = f"select encounter_status from mart.encounter where visit_number = 'v{number}'"
    assert visits.rows(query) == [(STORIES[story][1],)]


def test_census_makes_an_encounter_of_unknown_state(visits: MartWorld) -> None:
    query = (
        "select encounter_id, patient_id, encounter_status, encounter_type, messages "
        "from mart.encounter where visit_number = 'v90'"
    )
    assert visits.rows(query) == [(f"{A}:v90", f"{A}:p90", "unknown", "Inpatient", 1)]


def test_visit_merge_moves_the_visit_and_no_patient(visits: MartWorld) -> None:
    query = "select patient_id, has_changed_patient from mart.encounter where visit_number = 'v91'"
    assert visits.rows(query) == [(f"{A}:p92", True)]
    assert visits.rows("select bool_and(is_current) from mart.patient_identifier") == [(True,)]


def test_end_is_the_discharge_that_stands(visits: MartWorld) -> None:
    number = list(STORIES).index("left")
    query = (
        "select encounter_start_date::varchar, encounter_end_at, length_of_stay "
        f"from mart.encounter where visit_number = 'v{number}'"
    )
    ((start, end, stay),) = visits.rows(query)
    assert (start, end.isoformat(), stay) == ("2026-03-02", "2026-03-02T00:05:00+00:00", 0)


def test_no_test_of_the_marts_is_broken_by_these_visits(visits: MartWorld) -> None:
    # one discharge is dated before its arrival, one visit starts after it ended: that warns
    assert {row[1] for row in visits.broken()} <= {"not_before_encounter_end_at"}


@pytest.fixture(scope="module")
def appointments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MartWorld]:
    world = MartWorld(tmp_path_factory.mktemp("appointments"))

    def send(number: str, event: str, at: int, start: int, **visit: str) -> None:
        own = {"VisitNumber": number, "VisitDateTime": minute(start), "Duration": 30} | visit
        world.send(event, model="Scheduling", at=at, Patient=patient("1"), Visit=own)

    send("booked", "New", 1, 3000)
    send("moved", "New", 1, 3000)
    send("moved", "Reschedule", 2, 6000)
    send("old", "New", 1, 3000)
    send("new", "Reschedule", 2, 6000, OldVisitNumber="old")
    send("gone", "New", 1, 3000)
    send("gone", "Cancel", 2, 3000)
    send("gone", "Modification", 3, 3000)
    send("again", "Cancel", 2, 3000)
    send("again", "New", 3, 3000)
    send("missed", "New", 1, 3000)
    send("missed", "NoShow", 4000, 3000)
    send("came", "New", 1, 3000)
    send("came", "NoShow", 3001, 3000)
    send("from nowhere", "Reschedule", 2, 6000, OldVisitNumber="never seen")
    world.send("Arrival", at=3000, Patient=patient("1"), Visit={"VisitNumber": "came"})
    world.send("Booked", model="Scheduling", Visit={"VisitNumber": "asked"})
    world.send(
        "BookedResponse",
        model="Scheduling",
        Visits=[
            {"VisitNumber": "listed", "VisitDateTime": minute(9), "Patient": patient("2")},
            {"VisitNumber": "booked", "Reason": "Cough", "Patient": patient("1")},
        ],
    )
    yield world.publish()


def test_each_appointment_has_the_status_it_has_now(appointments: MartWorld) -> None:
    query = "select visit_number, status_code from mart.appointment order by visit_number"
    assert dict(appointments.rows(query)) == {
        "again": "booked", "booked": "booked", "came": "fulfilled", "from nowhere": "booked",
        "gone": "cancelled", "listed": "booked", "missed": "noshow", "moved": "booked",
        "new": "booked", "old": "rescheduled",
    }  # fmt: skip
    assert appointments.broken() == []


def test_times_and_references_of_appointments(appointments: MartWorld) -> None:
    query = (
        "select visit_number, start_date::varchar, lead_days, reschedules, rescheduled_from_id, "
        "rescheduled_from_number, rescheduled_to_id, encounter_id from mart.appointment "
        "where visit_number in ('old', 'new', 'moved', 'came', 'from nowhere') order by 1"
    )
    assert appointments.rows(query) == [
        ("came", "2026-03-04", 2, 0, None, None, None, f"{A}:came"),
        ("from nowhere", "2026-03-06", 4, 1, None, "never seen", None, None),
        ("moved", "2026-03-06", 4, 1, None, None, None, None),
        ("new", "2026-03-06", 4, 1, f"{A}:old", "old", None, None),
        ("old", "2026-03-04", 2, 0, None, None, f"{A}:new", None),
    ]
    snapshot = "select patient_id, booked_at, messages from mart.appointment where visit_number = "
    assert appointments.rows(snapshot + "'listed'") == [(f"{A}:2", None, 1)]
    assert appointments.rows(snapshot + "'booked'")[0][2] == 2
