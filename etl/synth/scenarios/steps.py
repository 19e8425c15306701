"""One step of a story, and the actors whose state it changes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Generic, TypeVar

from etl.synth.scenarios.people import Person, Record, Seen

State = TypeVar("State")
Json = dict[str, Any]
Row = dict[str, Any]


class Detail(Enum):
    """How much of a patient a message says beside the identifiers."""

    IDS = auto()
    NAME = auto()
    FULL = auto()


class Actor(ABC, Generic[State]):
    """Something with a state: a visit, an appointment, an order.

    `record` is the patient that its newest message named.
    """

    state: State
    record: Record

    def __init__(self) -> None:
        self.seen = Seen()

    @property
    def is_known(self) -> bool:
        """True once a message told of it."""
        return self.seen.messages > 0

    @property
    def is_true(self) -> bool:
        """False where the end state says that there is no such thing."""
        return True

    def see(self, record: Record, at: int) -> None:
        """Take in that a message told of this actor and named a patient."""
        self.record = record
        self.seen.at(at)

    @abstractmethod
    def row(self) -> Row:
        """The truth of this actor, without when it was heard of."""


@dataclass(slots=True)
class Step:
    """One message to be sent at an instant, and what is true after it.

    `body` is the payload without Meta and patient; `place` is where the patient belongs in it
    (keys with dots between, `[]` behind the key of an array of one; "" for nowhere), `patient`
    what else the patient object holds. `outcomes` pairs the actors that the message is about
    with their state after it, `settled` those whose state changes though it does not name them.
    `under` sends it under another record than the person's current one; `previous` is the record
    whose identifiers of `previous_types` (none named: all) it retires or moves from. `change`
    happens before the message is made. A step that is no evidence (a query) changes nothing.
    """

    at: int
    data_model: str
    event_type: str
    person: Person
    body: Json
    detail: Detail = Detail.FULL
    place: str = "Patient"
    outcomes: tuple[tuple[Actor[Any], Any], ...] = ()
    settled: tuple[tuple[Actor[Any], Any], ...] = ()
    meta: Json = field(default_factory=dict)
    patient: Json = field(default_factory=dict)
    under: Record | None = None
    previous: Record | None = None
    previous_types: tuple[str, ...] = ()
    change: Callable[[], None] | None = None
    is_reply: bool = False
    is_evidence: bool = True
