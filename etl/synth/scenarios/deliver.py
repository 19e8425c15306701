"""Makes a step a message, and lets everything it tells of take note."""

from __future__ import annotations

import random
from dataclasses import dataclass

import orjson

from etl.synth.pools import uuid_text
from etl.synth.scenarios import payload, times
from etl.synth.scenarios.case import Case
from etl.synth.scenarios.plans import say_plans
from etl.synth.scenarios.steps import Json, Step

FACILITY_SHARE = 0.3  # documented as a field that few messages carry


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message. `at` is its event time, of a reply the time it was received."""

    at: int
    sender: str
    body: Json
    is_reply: bool

    def as_bytes(self) -> bytes:
        """The message as JSON, a reply in its envelope."""
        message = orjson.dumps(self.body)
        if not self.is_reply:
            return message
        return b'{"received_at":"%b","body":%b}' % (times.text(self.at).encode(), message)


def deliver(case: Case, step: Step) -> Delivery:
    """Send one step: what it changes is changed, its actors have seen it."""
    if step.change:
        step.change()
    record = step.under or step.person.record
    said = payload.said_of(record, step.detail)
    body = {"Meta": _meta(case, step), **step.body}
    _place(body, step, payload.patient(record, said))
    tells_plans = not step.under and say_plans(body, step.event_type, step.person.plans)
    if step.is_evidence and not step.person.is_test:
        record.see(said, step.at)
        if tells_plans:
            record.plans_told = step.at, step.person.plans
        for actor, state in step.outcomes:
            actor.state = state
            actor.see(record, step.at)
        for actor, state in step.settled:
            actor.state = state
    return Delivery(step.at, case.sender.name, body, step.is_reply)


def _meta(case: Case, step: Step) -> Json:
    rng: random.Random = case.rng
    meta = payload.meta(
        case.sender,
        data_model=step.data_model,
        event_type=step.event_type,
        ids=(uuid_text(rng), uuid_text(rng)),
        has_facility=rng.random() < FACILITY_SHARE,
    )
    if not step.is_reply:
        meta["EventDateTime"] = times.text(step.at)
    meta["Test"] = step.person.is_test
    return meta | step.meta


def _place(body: Json, step: Step, patient: Json) -> None:
    """Put the patient where the payload has it, beside what is there already."""
    if step.previous:
        patient["PreviousIdentifiers"] = payload.identifiers(step.previous, step.previous_types)
    patient |= step.patient
    host = body
    *outer, last = step.place.split(".")
    for key in outer:
        host = host[key.removesuffix("[]")]
        host = host[0] if key.endswith("[]") else host
    if last.endswith("[]"):
        listed = host.setdefault(last.removesuffix("[]"), [{}])
        listed[0] = patient | listed[0]
    elif last:
        host[last] = patient
