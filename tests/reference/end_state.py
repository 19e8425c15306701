"""An independent slow recount of what is true in the end: patients' ids, encounters, appointments.

Standard library only; reads payloads as dicts in any order and follows the rules of the analyst
layer as they are written, message by message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

Json = dict[str, Any]
BEGINS = ("Arrival", "Registration", "Transfer")
TAKEN_BACK = {
    "Arrival": {"Arrival", "Registration", "Transfer", "VisitUpdate", "Discharge"},
    "Registration": {"Arrival", "Registration", "Transfer", "VisitUpdate", "Discharge"},
    "PreAdmit": {"PreAdmit"},
    "Discharge": {"Discharge"},
}
QUERY_SHAPES = {"CensusQuery", "VisitQuery", "Query", "PatientQuery"}


class Received(NamedTuple):
    """A message and when it was received, else when its event was; canonical text."""

    at: str
    message: Json

    @property
    def event(self) -> str:
        return str(self.message["Meta"]["EventType"])

    @property
    def source(self) -> str:
        return str(self.message["Meta"]["Source"]["ID"])


def in_time(rows: Iterable[tuple[str, Json]]) -> list[Received]:
    """All messages that are evidence, in the order of their time."""
    received = [Received(at, message) for at, message in rows]
    return sorted((one for one in received if _is_evidence(one)), key=lambda one: one.at)


def _is_evidence(one: Received) -> bool:
    """Test messages and queries are none; a reply may carry the event type of its query."""
    if one.message["Meta"].get("Test"):
        return False
    return one.event not in QUERY_SHAPES or "EventDateTime" not in one.message["Meta"]


class Identities:
    """Which patient an identifier leads to."""

    def __init__(self, messages: list[Received]) -> None:
        self._types = _own_types(messages)
        self._into: dict[str, str] = {}
        for one in messages:
            if one.event == "PatientMerge":
                self._merge(one)

    def _merge(self, one: Received) -> None:
        patient = one.message["Patient"]
        survivor = self._named(one.source, patient["Identifiers"])
        retired = self._named(one.source, patient["PreviousIdentifiers"])
        self._into.pop(survivor, None)
        self._into[retired] = survivor

    def _named(self, source: str, identifiers: list[Json]) -> str:
        own = next(i["ID"] for i in identifiers if i["IDType"] == self._types[source])
        return f"{source}:{own}"

    def patient_id(self, source: str, identifiers: list[Json]) -> str:
        """The patient at the end of the merges."""
        name = self._named(source, identifiers)
        while name in self._into:
            name = self._into[name]
        return name


def _own_types(messages: list[Received]) -> dict[str, str]:
    """The id type of each source: what its merges retire, else what most messages carry."""
    merged: dict[str, Counter[str]] = {}
    carried: dict[str, Counter[str]] = {}
    for one in messages:
        patient = one.message.get("Patient", {})
        for identifier in patient.get("Identifiers", ()):
            carried.setdefault(one.source, Counter())[identifier["IDType"]] += 1
        if one.event == "PatientMerge":
            for identifier in patient["PreviousIdentifiers"]:
                merged.setdefault(one.source, Counter())[identifier["IDType"]] += 1
    for counts in carried.values():
        if len(counts) > 1:
            counts.pop("EHRID", None)
    return {
        source: merged.get(source, counts).most_common(1)[0][0]
        for source, counts in carried.items()
    }


class Visit:
    """What the messages say of one visit number of a source."""

    def __init__(self) -> None:
        self.steps: list[Received] = []
        self.known: Json = {}
        self.patients: list[str] = []
        self.is_moved = False

    def standing(self) -> list[Received]:
        """The steps that no later cancel takes back."""
        standing: list[Received] = []
        for step in self.steps:
            if step.event == "Cancel":
                named = step.message["Meta"].get("CanceledEvent")
                back = TAKEN_BACK.get(named) if named else None
                standing = [one for one in standing if back and one.event not in back]
            else:
                standing.append(step)
        return standing

    def status(self) -> str:
        events = {step.event for step in self.standing()}
        if "Discharge" in events:
            return "finished"
        if events & set(BEGINS):
            return "in-progress"
        if "PreAdmit" in events:
            return "planned"
        return "cancelled" if any(step.event == "Cancel" for step in self.steps) else "unknown"

    def end(self) -> str:
        ends = [step for step in self.standing() if step.event == "Discharge"]
        return ends[-1].message["Visit"].get("DischargeDateTime") or ends[-1].at if ends else ""

    def row(self) -> Json:
        place = self.known.get("Location", {})
        return {
            "patient_id": self.patients[-1],
            "encounter_status": self.status(),
            "encounter_type": self.known.get("PatientClass", ""),
            "encounter_start_at": self.known.get("VisitDateTime", ""),
            "encounter_end_at": self.end(),
            "department": place.get("Department", ""),
            "bed": place.get("Bed", ""),
            "has_changed_patient": str(self.is_moved).lower(),
            "messages": str(len(self.steps)),
        }


def encounters(messages: list[Received]) -> dict[str, Visit]:
    """Every visit number of PatientAdmin by encounter id."""
    visits: dict[str, Visit] = {}
    identities = Identities(messages)
    for one in messages:
        if one.message["Meta"]["DataModel"] == "PatientAdmin":
            for identifiers, visit in _visits(one.message):
                found = visits.setdefault(f"{one.source}:{visit['VisitNumber']}", Visit())
                found.steps.append(one)
                found.known |= {name: value for name, value in visit.items() if value}
                found.patients.append(identities.patient_id(one.source, identifiers))
                found.is_moved |= one.event == "VisitMerge"
    return visits


def _visits(message: Json) -> Iterable[tuple[list[Json], Json]]:
    if "Visit" in message:
        yield message["Patient"]["Identifiers"], message["Visit"]
    for patient in message.get("Patients", ()):
        for visit in patient.get("Visits", ()):
            yield patient["Identifiers"], visit


def appointments(messages: list[Received]) -> dict[str, Json]:
    """The row of every appointment number of Scheduling by appointment id."""
    began = {name: visit.status() for name, visit in encounters(messages).items()}
    identities = Identities(messages)
    later: dict[str, str] = {}
    steps: dict[str, list[Received]] = {}
    for one in messages:
        if one.message["Meta"]["DataModel"] == "Scheduling":
            visit = one.message["Visit"]
            steps.setdefault(f"{one.source}:{visit['VisitNumber']}", []).append(one)
            if visit.get("OldVisitNumber"):
                old = f"{one.source}:{visit['OldVisitNumber']}"
                later[old] = f"{one.source}:{visit['VisitNumber']}"
    rows = {}
    for name, found in steps.items():
        newest = found[-1]
        patient = newest.message["Patient"]["Identifiers"]
        rows[name] = {
            "patient_id": identities.patient_id(newest.source, patient),
            "status_code": _status(name, found, later=later, began=began.get(name, "")),
            "start_datetime": newest.message["Visit"]["VisitDateTime"],
            "booked_at": found[0].at,
            "reschedules": str(sum(step.event == "Reschedule" for step in found)),
            "rescheduled_to_id": later.get(name, ""),
            "encounter_id": name if began.get(name) else "",
            "messages": str(len(found)),
        }
    return rows


def _status(name: str, steps: list[Received], *, later: dict[str, str], began: str) -> str:
    telling = [step.event for step in steps if step.event != "Modification"]
    if name in later:
        return "rescheduled"
    if telling and telling[-1] == "Cancel":
        return "cancelled"
    if began in ("in-progress", "finished"):
        return "fulfilled"
    return "noshow" if telling and telling[-1] == "NoShow" else "booked"
