"""Insurance: who covers a person, told as a whole list by registrations and updates."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from etl.synth.clock import DAY_MS
from etl.synth.scenarios import times
from etl.synth.scenarios.lists import Line, draw
from etl.synth.scenarios.steps import Json, Row

# event type -> where its list is
CARRIERS = {
    "NewPatient": "Patient", "PatientUpdate": "Patient", "Arrival": "Visit",
    "Registration": "Visit",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """One coverage of a person; the first of a list has priority 1."""

    line: Line
    priority: int
    member: str
    group: str
    effective: str

    def body(self) -> Json:
        """One element of Insurances[]."""
        line = self.line
        return {
            "Plan": {"ID": line["plan_id"], "Name": line["plan"], "Type": line["plan_type"]},
            "Company": {"ID": line["company_id"], "Name": line["company"]},
            "MemberNumber": self.member,
            "PolicyNumber": self.member,
            "GroupNumber": self.group,
            "EffectiveDate": self.effective,
            "Priority": str(self.priority),
        }

    def row(self) -> Row:
        """The columns of truth."""
        line = self.line
        return {
            "priority": self.priority,
            "payer_id": line["company_id"],
            "payer": line["company"],
            "plan_id": line["plan_id"],
            "plan": line["plan"],
            "plan_type": line["plan_type"],
            "member_number": self.member,
            "group_number": self.group,
            "effective_date": self.effective,
        }


def draw_plans(rng: random.Random, day: int) -> tuple[Plan, ...]:
    """One or two coverages, of some nothing; `day` is an instant of the day they are known."""
    count = rng.choices((0, 1, 2), (15, 70, 15))[0]
    chosen: list[Plan] = []
    while len(chosen) < count:
        line = draw(rng, "plans")
        if line not in [plan.line for plan in chosen]:
            chosen.append(_plan(rng, line, len(chosen) + 1, day))
    return tuple(chosen)


def _plan(rng: random.Random, line: Line, priority: int, day: int) -> Plan:
    return Plan(
        line=line,
        priority=priority,
        member=f"{line['company_id']}{rng.randrange(10**8):08d}",
        group=f"G{rng.randrange(10**5):05d}",
        effective=times.date_text(day - rng.randint(1, 700) * DAY_MS),
    )


def say_plans(body: Json, event_type: str, plans: tuple[Plan, ...]) -> bool:
    """Put the list into the payload where its event type has one; whether it did."""
    place = CARRIERS.get(event_type)
    if not plans or place is None or place not in body:
        return False
    body[place]["Insurances"] = [plan.body() for plan in plans]
    return True


def coverage_rows(head: Row, plans: tuple[Plan, ...]) -> Iterator[Row]:
    """The rows of truth of one patient."""
    return (head | plan.row() for plan in plans)
