"""Clinical summaries of one patient: snapshots whose lists grow, shrink and change."""

from __future__ import annotations

import tomllib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

import orjson

from etl.synth.clock import DAY_MS
from etl.synth.scenarios import payload, times
from etl.synth.scenarios.case import Case
from etl.synth.scenarios.lists import Line, code_system, grouped, lines, lines_of
from etl.synth.scenarios.medications import product_body, product_row, route_body
from etl.synth.scenarios.observations import Observation
from etl.synth.scenarios.people import Person
from etl.synth.scenarios.steps import Actor, Detail, Json, Row, Step
from etl.synth.scenarios.visits import coded

WORK_ADDRESS = {
    "StreetAddress": "1 Example Street", "City": "Sampleton", "State": "WI", "ZIP": "53799",
}  # fmt: skip
ACTIVE = {"Code": "55561003", "Name": "Active"}
RESOLVED = {"Code": "413322009", "Name": "Resolved"}
NO_ALLERGY = {
    "code": "716186003", "code_system_name": "SNOMED CT", "code_system": "2.16.840.1.113883.6.96",
    "name": "No known allergy", "severity_code": "", "severity": "",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class EntryState:
    """An entry as the newest list that has it says, and whether the newest list of all has it."""

    status: str
    is_listed: bool = True
    resolved_at: int | None = None


class Entry(Actor[EntryState]):
    """An entry of one of the lists; `section` names the list, `began_at` is since when."""

    section = ""

    def __init__(self, case: Case, line: Line, began_at: int) -> None:
        super().__init__()
        self.sender, self.line, self.began_at = case.sender, line, began_at

    @abstractmethod
    def body(self, state: EntryState) -> Json:
        """The element of its list."""

    def head(self) -> Row:
        """The columns that all entries share."""
        return {
            "patient_id": self.record.survivor().patient_id,
            "data_source": self.sender.source_id,
            "source_name": self.sender.name,
        }


class Problem(Entry):
    """A problem: a diagnosis that lasts."""

    section = "Problems"

    def body(self, state: EntryState) -> Json:
        status = RESOLVED if state.status == "Resolved" else ACTIVE
        body = {
            **_code(self.line, "ICD-10-CM"),
            "StartDate": times.text(self.began_at),
            "Status": {**status, "CodeSystem": _oid("SNOMED CT"), "CodeSystemName": "SNOMED CT"},
        }
        if state.resolved_at is not None:
            body["EndDate"] = times.text(state.resolved_at)
        return body

    def row(self) -> Row:
        """The truth of this problem, in the columns of the diagnoses of visits."""
        state = self.state
        return {
            "patient_id": self.record.survivor().patient_id,
            "encounter_id": None,
            "condition_type": "problem",
            **coded(self.line, "ICD-10-CM"),
            "data_source": self.sender.source_id,
            "source_name": self.sender.name,
            "status": state.status,
            "onset_at": self.began_at,
            "resolved_at": state.resolved_at,
            "is_on_latest_list": state.is_listed,
        }


class ListedMedication(Entry):
    """A medication that a patient takes, known by product and start."""

    section = "Medications"

    def body(self, state: EntryState) -> Json:
        product = self.line
        return {
            **product_body(product),
            "Dose": {"Quantity": product["dose"], "Units": product["units"]},
            "Route": route_body(product),
            "Frequency": {"Period": product["period"], "Unit": product["frequency_unit"]},
            "StartDate": times.text(self.began_at),
            "Status": state.status,
        }

    def row(self) -> Row:
        """The truth of this entry, in the columns of medication orders."""
        return {
            "data_source": self.sender.source_id,
            "source_name": self.sender.name,
            "order_id": None,
            "patient_id": self.record.survivor().patient_id,
            "encounter_id": None,
            **product_row(self.line, self.line["dose"]),
            "status": self.state.status,
            "start_at": self.began_at,
            "practitioner_id": None,
            "is_on_latest_list": self.state.is_listed,
        }


class Allergy(Entry):
    """An allergy, or that none is known."""

    section = "Allergies"

    @property
    def is_negative(self) -> bool:
        return self.line is NO_ALLERGY

    def body(self, state: EntryState) -> Json:
        line = self.line
        body: Json = {
            "IsNegativeIndicator": self.is_negative,
            "Substance": {
                "Code": line["code"],
                "CodeSystem": line["code_system"],
                "CodeSystemName": line["code_system_name"],
                "Name": line["name"],
            },
            "Status": {**ACTIVE, "CodeSystem": _oid("SNOMED CT"), "CodeSystemName": "SNOMED CT"},
        }
        if line["severity"]:
            body["Severity"] = {
                "Code": line["severity_code"],
                "CodeSystem": _oid("SNOMED CT"),
                "CodeSystemName": "SNOMED CT",
                "Name": line["severity"],
            }
            body["StartDate"] = times.text(self.began_at)
        return body

    def row(self) -> Row:
        """The truth of this allergy."""
        line = self.line
        return {
            **self.head(),
            "source_code_type": code_system(line["code_system_name"])["name"],
            "source_code": line["code"],
            "source_description": line["name"],
            "is_negative": self.is_negative,
            "severity": line["severity"] or None,
            "status": self.state.status,
            "onset_at": None if self.is_negative else self.began_at,
            "is_on_latest_list": self.state.is_listed,
        }


class Procedure(Entry):
    """A procedure that was done."""

    section = "Procedures"

    def body(self, state: EntryState) -> Json:
        return {
            **_code(self.line, "SNOMED CT"),
            "DateTime": times.text(self.began_at),
            "Status": state.status,
        }

    def row(self) -> Row:
        """The truth of this procedure."""
        return {
            **self.head(),
            "encounter_id": None,
            "source_code_type": code_system("SNOMED CT")["name"],
            "source_code": self.line["code"],
            "source_description": self.line["name"],
            "procedure_at": self.began_at,
            "status": self.state.status,
        }


class Activity(Procedure):
    """A procedure that only observed the patient: summaries list these apart."""

    section = "Activities"


def _code(line: Line, system: str) -> Json:
    return {
        "Code": line["code"],
        "CodeSystem": _oid(system),
        "CodeSystemName": system,
        "Name": line["name"],
    }


def _oid(system: str) -> str:
    return code_system(system)["oid"]


def summary(case: Case, person: Person, after: int) -> Iterator[Step]:
    """Two or three snapshots: problems resolve or vanish, medications come and go."""
    states = _first_lists(case)
    case.actors += list(states)
    at = case.any_time(after)
    measured_at = case.instants.after(at, -6, -5)
    vitals = [
        Observation(case, line, at=measured_at, visit=None)
        for line in case.rng.sample(lines("vitals"), 2)
    ]
    case.actors += vitals
    history = _history(case)
    yield _snapshot(case, person, at, states, vitals, history)
    for _ in range(case.rng.choice((0, 1, 1, 2))):
        at = case.instants.after(at, 20, 200)
        kept: set[str] = set()
        for entry in list(states):
            may_vanish = entry.section in kept  # a list that is empty is not sent at all
            states[entry] = _later(case, entry, states[entry], at, may_vanish=may_vanish)
            if states[entry].is_listed:
                kept.add(entry.section)
        for entry in _new_entries(case, at):
            states[entry] = EntryState("Active")
            case.actors.append(entry)
        yield _snapshot(case, person, at, states, vitals, history)


def _history(case: Case) -> Json:
    """Earlier results and the use of tobacco, the same in every snapshot; no truth speaks of them."""
    panel = case.rng.choice([own for own in grouped("panels", "order_code") if _is_numeric(own)])
    taken_at = _past(case) + 9 * times.HOUR_MS
    results = [Observation(case, line, at=taken_at, visit=None) for line in panel]
    smoking = case.rng.choice(lines("smoking"))
    return {
        "Results": [
            {
                **_code({"code": panel[0]["order_code"], "name": panel[0]["order_name"]}, "LOINC"),
                "Status": "completed",
                "Observations": [one.summary_body() for one in results],
            }
        ],
        "SocialHistory": {
            "TobaccoUse": [
                {
                    **_code(smoking, "SNOMED CT"),
                    "StartDate": times.text(_past(case)),
                    "IsSmokingStatus": True,
                }
            ]
        },
    }


def _is_numeric(panel: tuple[Line, ...]) -> bool:
    return all(line["value_type"] == "Numeric" and not line["words"] for line in panel)


@cache
def _beside() -> bytes:
    """What every summary says beside its lists, as JSON."""
    file = resources.files("etl.synth").joinpath("data", "scenarios", "summary.toml")
    return orjson.dumps(tomllib.loads(file.read_text("utf-8")))


def _first_lists(case: Case) -> dict[Entry, EntryState]:
    """What the first snapshot lists."""
    rng = case.rng
    chosen: list[Entry] = []
    *current, former = rng.sample(lines("diagnoses"), rng.randint(2, 4))
    chosen += [Problem(case, line, _past(case)) for line in current]
    for line in _taken_at_home(rng.sample(lines("medications"), rng.randint(1, 3))):
        chosen.append(ListedMedication(case, line, _past(case)))
    allergens = rng.sample(lines("allergens"), rng.randint(1, 2)) if rng.random() < 0.4 else []
    chosen += [Allergy(case, line, _past(case)) for line in allergens or [NO_ALLERGY]]
    if rng.random() < 0.7:
        chosen.append(Procedure(case, rng.choice(lines("procedures")), _past(case)))
    if rng.random() < 0.8:
        chosen.append(Activity(case, rng.choice(lines("activities")), _past(case)))
    states = {
        entry: EntryState("completed" if isinstance(entry, Procedure) else "Active")
        for entry in chosen
    }
    if rng.random() < 0.8:
        problem = Problem(case, former, _past(case))
        ended = problem.began_at + rng.randint(1, 15) * DAY_MS
        states[problem] = EntryState("Resolved", resolved_at=ended)
    return states


def _past(case: Case) -> int:
    """An instant in the years before the period, at midnight UTC as summaries have it."""
    return (case.begin - case.rng.randint(20, 1_500) * DAY_MS) // DAY_MS * DAY_MS


def _later(case: Case, entry: Entry, state: EntryState, at: int, *, may_vanish: bool) -> EntryState:
    """What the next snapshot says of an entry."""
    if not state.is_listed or isinstance(entry, Allergy | Procedure):
        return state
    draw = case.rng.random()
    if draw < 0.25 and may_vanish:
        return replace(state, is_listed=False)
    if draw < 0.4 and isinstance(entry, Problem) and state.status == "Active":
        return replace(state, status="Resolved", resolved_at=at // DAY_MS * DAY_MS)
    return state


def _taken_at_home(drawn: Sequence[Line]) -> list[Line]:
    """The medications that were drawn, others for those that are given in a hospital alone."""
    oral = lines_of("medications", "route", "Oral")
    others = iter([line for line in oral if line not in drawn])
    return [line if line in oral else next(others) for line in drawn]


def _section(listed: dict[Entry, EntryState], section: str, name: str) -> Json:
    """The entries of a list under its name; a list that is empty is not sent at all."""
    entries = [entry.body(state) for entry, state in listed.items() if entry.section == section]
    return {name: entries} if entries else {}


def _new_entries(case: Case, at: int) -> Iterator[Entry]:
    """What came since the last snapshot."""
    if case.rng.random() < 0.5:
        (line,) = _taken_at_home([case.rng.choice(lines("medications"))])
        yield ListedMedication(case, line, at // DAY_MS * DAY_MS)


def _snapshot(
    case: Case,
    person: Person,
    at: int,
    states: dict[Entry, EntryState],
    vitals: list[Observation],
    history: Json,
) -> Step:
    """A summary that lists what is listed now; what it leaves out is no longer on the list."""
    listed = {entry: state for entry, state in states.items() if state.is_listed}
    author = case.provider()
    document = {
        "ID": case.sender.next_id("document"),
        "Title": "Continuity of Care Document",
        "DateTime": times.text(at),
        "Author": {
            **payload.provider(author),
            "Address": WORK_ADDRESS,
            "PhoneNumber": {"Office": "+16085550100"},
            "Location": {"Facility": case.sender.facility},
        },
        "Visit": {
            "Reason": "Follow-up visit",
            "StartDateTime": times.text(at - 2 * times.HOUR_MS),
            "EndDateTime": times.text(at - times.HOUR_MS),
        },
    }
    body: Json = {"Header": {"Document": document}, **orjson.loads(_beside()), **history}
    taken_at = times.text(vitals[0].measured_at)
    body["VitalSigns"] = [
        {"DateTime": taken_at, "Observations": [value.summary_body() for value in vitals]}
    ]
    for section in ("Problems", "Medications", "Allergies"):
        body |= _section(listed, section, section)
    done = _section(listed, "Procedures", "Procedures")
    done |= _section(listed, "Activities", "Observations")
    body |= {"Procedures": done} if done else {}
    outcomes: list[tuple[Actor[Any], Any]] = list(listed.items())
    outcomes += [(value, None) for value in vitals]
    return Step(
        at, "Clinical Summary", "PatientPush", person, body, detail=Detail.NAME,
        place="Header.Patient", outcomes=tuple(outcomes),
        settled=tuple((entry, state) for entry, state in states.items() if entry not in listed),
    )  # fmt: skip
