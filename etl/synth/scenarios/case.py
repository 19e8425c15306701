"""One case: the people whose stories are bound together, their source, and the period."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from etl.synth.clock import DAY_MS
from etl.synth.scenarios.lists import Place, draw_place
from etl.synth.scenarios.people import Person, Record
from etl.synth.scenarios.senders import Provider, Sender
from etl.synth.scenarios.steps import Actor, Step
from etl.synth.scenarios.times import HOUR_MS, Instants
from etl.synth.scenarios.visits import Visit

WORKING_HOURS = (13, 23)  # 8 to 18 o'clock in Chicago, as UTC


@dataclass(slots=True)
class Case:
    """What all scenarios of one case share. `begin` and `end` bound the period.

    Steps after `end` are never sent: what they would change stays as it was.
    """

    rng: random.Random
    sender: Sender
    begin: int
    end: int
    instants: Instants = field(init=False)
    people: list[Person] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    actors: list[Actor[Any]] = field(default_factory=list)
    visits: list[Visit] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.instants = Instants(self.rng)

    def any_time(self, not_before: int = 0) -> int:
        """A free instant of the period, at any hour."""
        first = max(self.begin, not_before)
        return self.instants.take(int(self.rng.uniform(first, max(first + 1, self.end))))

    def working_time(self, not_before: int = 0) -> int:
        """A free instant in working hours, on a day of the period."""
        return self.slot(self.any_time(not_before))

    def slot(self, at: int) -> int:
        """A free instant in working hours on the day after another."""
        day = at // DAY_MS * DAY_MS + DAY_MS
        low, high = WORKING_HOURS
        return self.instants.take(day + int(self.rng.uniform(low, high) * HOUR_MS))

    def visit_and_time(self, share: float, after: int) -> tuple[Visit | None, int]:
        """A visit of this person (of a share of the calls) and an instant while it lasts."""
        windows = [(visit, visit.window) for visit in self.visits if visit.window]
        if not windows or self.rng.random() >= share:
            return None, self.any_time(after)
        visit, (opened, closed) = self.rng.choice(windows)
        return visit, self.instants.take(int(self.rng.uniform(opened + 1, closed)))

    def known_visits(self) -> Iterator[Visit]:
        """All visits that some message told of."""
        return (actor for actor in self.actors if isinstance(actor, Visit) and actor.is_known)

    def provider(self) -> Provider:
        return self.rng.choice(self.sender.providers)

    def place(self, patient_class: str) -> Place:
        """A place at this source for a class of patients."""
        return draw_place(
            self.rng,
            kind=self.sender.kind,
            patient_class=patient_class,
            facility=self.sender.facility,
            code=self.sender.facility_code,
        )


Scenario: TypeAlias = Callable[[Case, Person, int], Iterator[Step]]
