"""Notes: written, replaced under a new id, deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from etl.synth import wordlists
from etl.synth.scenarios import payload, times
from etl.synth.scenarios.case import Case
from etl.synth.scenarios.lists import Line, lines
from etl.synth.scenarios.medications import visit_body
from etl.synth.scenarios.orders import encounter_id
from etl.synth.scenarios.people import Person
from etl.synth.scenarios.senders import Provider
from etl.synth.scenarios.steps import Actor, Detail, Row, Step
from etl.synth.scenarios.visits import Visit


@dataclass(frozen=True, slots=True)
class NoteState:
    """A note at one moment; `replaced_by` is the id of the one that took its place."""

    status: str
    replaced_by: str = ""


class Note(Actor[NoteState]):
    """One document id of a source."""

    def __init__(
        self, case: Case, *, kind: Line, author: Provider, visit: Visit | None, served_at: int
    ) -> None:
        super().__init__()
        self.sender, self.kind, self.author = case.sender, kind, author
        self.visit, self.served_at = visit, served_at
        self.text = case.rng.choice(wordlists.words()["sentence"])
        self.number = case.sender.next_id("document")
        self.replaces = ""

    def step(self, event_type: str, at: int, person: Person, state: NoteState) -> Step:
        """A message of Notes that leaves the note in a state."""
        note = {
            "DocumentType": self.kind["type"],
            "DocumentDescription": self.kind["title"],
            "DocumentID": self.number,
            "ContentType": "Plain Text",
            "FileContents": self.text,
            "ServiceDateTime": times.text(self.served_at),
            "DocumentationDateTime": times.text(at),
            "Provider": payload.provider(self.author),
            "Status": "Authenticated",
        }
        if self.replaces:
            note["OriginalDocumentID"] = self.replaces
        return Step(
            at, "Notes", event_type, person, {"Note": note} | visit_body(self.visit),
            detail=Detail.NAME, outcomes=((self, state),),
        )  # fmt: skip

    def row(self) -> Row:
        """The truth of this note."""
        return {
            "data_source": self.sender.source_id,
            "source_name": self.sender.name,
            "document_id": self.number,
            "patient_id": self.record.survivor().patient_id,
            "encounter_id": encounter_id(self.visit),
            "document_type": self.kind["type"],
            "title": self.kind["title"],
            "status": self.state.status,
            "service_at": self.served_at,
            "practitioner_id": self.author.npi,
            "replaces_id": self.replaces or None,
            "replaced_by_id": self.state.replaced_by or None,
        }


def note(case: Case, person: Person, after: int) -> Iterator[Step]:
    """A note; some are replaced once or twice, few are deleted."""
    rng = case.rng
    visit, at = case.visit_and_time(0.9, after)
    kind, author = rng.choice(lines("documents")), case.provider()
    current = _new_note(case, kind, author, visit, at)
    at = case.instants.after(at, 0.2, 4)
    yield current.step("New", at, person, NoteState("current"))
    while rng.random() < 0.25:
        at = case.instants.after(at, 0.5, 30)
        old, current = current, _new_note(case, kind, author, visit, current.served_at)
        current.replaces = old.number
        step = current.step("Replace", at, person, NoteState("current"))
        step.settled = ((old, NoteState("replaced", replaced_by=current.number)),)
        yield step
    if rng.random() < 0.06:
        at = case.instants.after(at, 0.5, 30)
        yield _delete(current, at, person)


def _new_note(case: Case, kind: Line, author: Provider, visit: Visit | None, at: int) -> Note:
    one = Note(case, kind=kind, author=author, visit=visit, served_at=at)
    case.actors.append(one)
    return one


def _delete(current: Note, at: int, person: Person) -> Step:
    """Delete names the note and nothing that it replaced; its content is not sent again."""
    step = current.step("Delete", at, person, replace(NoteState("current"), status="deleted"))
    for name in ("OriginalDocumentID", "FileContents"):
        step.body["Note"].pop(name, None)
    return step
