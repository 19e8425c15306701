"""Clinical summaries of one patient: snapshots whose lists grow, shrink and change."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any

import orjson

from etl.synth.clock import DAY_MS
from etl.synth.scenarios import payload, times
from etl.synth.scenarios.case import Case
from etl.synth.scenarios.lists import Line, grouped, lines, lines_of
from etl.synth.scenarios.observations import Observation
from etl.synth.scenarios.people import Person
from etl.synth.scenarios.steps import Actor, Detail, Json, Step
from etl.synth.scenarios.summary_entries import (
    NO_ALLERGY,
    Activity,
    Allergy,
    Entry,
    EntryState,
    ListedMedication,
    Problem,
    Procedure,
    code_body,
)

WORK_ADDRESS = {
    "StreetAddress": "1 Example Street", "City": "Sampleton", "State": "WI", "ZIP": "53799",
}  # fmt: skip


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
                **code_body(
                    {"code": panel[0]["order_code"], "name": panel[0]["order_name"]}, "LOINC"
                ),
                "Status": "completed",
                "Observations": [one.summary_body() for one in results],
            }
        ],
        "SocialHistory": {
            "TobaccoUse": [
                {
                    **code_body(smoking, "SNOMED CT"),
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
