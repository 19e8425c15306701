"""Which event type a field list describes, and what says so.

The list's own Meta fields and a sample payload say it; the address and title may; a file name
only fills gaps, since the user chose it. Two that disagree leave the event type undetermined.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from etl.ratings.records import Entry, Page
from models.catalog.records import Catalog

_SAMPLE_FIELD = r'"{}"\s*:\s*"([^"]*)"'
_LITERAL = re.compile(r"[A-Za-z][\w.-]{0,60}")
_TITLE_BREAK = re.compile(r"\s*[|·•»>:]\s*|\s+[-–—]\s+")
_COPY_MARK = re.compile(r"(?:\.[A-Za-z]{1,5}|\s*\(\d+\)|\s*-\s*copy)+$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Naming:
    """What one witness says: a data model and an event type, "" where it does not say."""

    witness: str
    data_model: str
    event_type: str


@dataclass(frozen=True, slots=True)
class EventVerdict:
    """The event type and the witnesses that named it, or why it cannot be told."""

    data_model: str
    event_type: str
    evidence: str
    refusal: str = ""


class EventNames:
    """The catalog's data models and event types by their spelling without case and marks."""

    def __init__(self, catalog: Catalog) -> None:
        self.models: dict[str, str] = {}
        self.events: dict[str, tuple[str, str]] = {}
        self.event_types: dict[str, dict[str, str]] = {}
        for model in catalog.data_models.values():
            self.models[spelled(model.name)] = model.name
            own = {spelled(event.event_type): event.event_type for event in model.event_types}
            self.event_types[model.name] = own
            for key, event_type in own.items():
                self.events[spelled(model.name) + key] = (model.name, event_type)

    def is_event(self, text: str) -> bool:
        """True if some data model has an event type of this name."""
        return any(spelled(text) in own for own in self.event_types.values())

    def whole(self, text: str, witness: str) -> Naming | None:
        """What `text` names when it is a data model and its event type, or a data model alone."""
        key = spelled(text)
        if key in self.events:
            return Naming(witness, *self.events[key])
        return Naming(witness, self.models[key], "") if key in self.models else None


def spelled(text: str) -> str:
    """`text` in small letters and digits only: `Clinical Summary` and `clinical-summary` agree."""
    return "".join(mark for mark in text.lower() if mark.isalnum())


def find_event(
    page: Page,
    entries: Sequence[Entry],
    sample: str | None,
    names: EventNames,
    *,
    heading: str = "",
) -> EventVerdict:
    """Weigh everything that names the event type of one field list.

    Some pages print another event type in their Meta block than they describe: what the heading or
    the address says counts more.
    """
    headed = [Naming("its heading", "", heading)] if names.is_event(heading) else []
    told = [*headed, *_from_address(page.address, names)]
    is_told = any(naming.event_type for naming in told)
    namings = [
        *headed,
        *(_without_event(one) if is_told else one for one in _from_fields(entries, names)),
        *(_from_sample(sample, names) if sample else ()),
        *_from_address(page.address, names),
        *_from_title(page.title, names),
    ]
    if not (any(one.data_model for one in namings) and any(one.event_type for one in namings)):
        namings += _from_file_name(page.name, names)
    return _agree(namings, names)


def _without_event(naming: Naming) -> Naming:
    return replace(naming, event_type="")


def _from_fields(entries: Sequence[Entry], names: EventNames) -> Iterator[Naming]:
    """The values that the list prints for Meta.DataModel and Meta.EventType."""
    model = _printed_value(entries, "DataModel")
    event = _printed_value(entries, "EventType")
    known = names.models.get(spelled(model), "")
    if known or event or _LITERAL.fullmatch(model):
        yield Naming("its Meta fields", known or model, event)


def _printed_value(entries: Iterable[Entry], name: str) -> str:
    """The value printed for a Meta field, "" when it prints none or a sentence."""
    for entry in entries:
        if entry.name in (name, f"Meta.{name}"):
            text = entry.values[0] if len(entry.values) == 1 else entry.text
            is_value = len(text.split()) <= 2 and not text.endswith(".")
            return text if is_value else ""
    return ""


def _from_sample(sample: str, names: EventNames) -> Iterator[Naming]:
    model, event = read_sample(sample)
    if model or event:
        yield Naming("its sample payload", names.models.get(spelled(model), model), event)


def read_sample(sample: str) -> tuple[str, str]:
    """Meta.DataModel and Meta.EventType of a sample payload, "" where it has none."""
    try:
        meta = json.loads(sample)["Meta"]
        return str(meta["DataModel"]), str(meta["EventType"])
    except (ValueError, KeyError, TypeError, RecursionError):
        found = (re.search(_SAMPLE_FIELD.format(n), sample) for n in ("DataModel", "EventType"))
        model, event = (match[1] if match else "" for match in found)
        return model, event


def _from_address(address: str, names: EventNames) -> Iterator[Naming]:
    last = re.split(r"[?#]", address)[0].rstrip("/").rpartition("/")[2]
    naming = names.whole(re.sub(r"\.x?html?$", "", last), "its address")
    if naming:
        yield naming


def _from_title(title: str, names: EventNames) -> Iterator[Naming]:
    """A title, or a part of it between bars, that names data model and event type in full."""
    parts = _TITLE_BREAK.split(title)
    wholes = [title, *parts]
    wholes += [one + two for one, two in pairwise(parts)]
    wholes += [two + one for one, two in pairwise(parts)]
    found = {naming for text in wholes if (naming := names.whole(text, "its title"))}
    full = {naming for naming in found if naming.event_type}
    if len(full) == 1:
        yield full.pop()


def _from_file_name(name: str, names: EventNames) -> Iterator[Naming]:
    naming = names.whole(_COPY_MARK.sub("", name), "its file name")
    if naming:
        yield naming


def _agree(namings: Sequence[Naming], names: EventNames) -> EventVerdict:
    """The one event type all namings fit, or why there is none."""
    models = {naming.data_model for naming in namings if naming.data_model}
    events = {spelled(naming.event_type) for naming in namings if naming.event_type}
    if len(models) > 1 or len(events) > 1:
        return _refused("its event type is not clear: " + _said(namings))
    model, event = "".join(models), "".join(events)
    if not model or not event:
        return _refused("its event type cannot be determined")
    if model not in names.event_types:
        return _refused(f"data model {_shown(model)} is not in the catalog")
    if event not in names.event_types[model]:
        printed = next(naming.event_type for naming in namings if naming.event_type)
        return _refused(f"the catalog lists no event type {_shown(printed)} of {model}")
    witnesses = " and ".join(dict.fromkeys(naming.witness for naming in namings))
    return EventVerdict(model, names.event_types[model][event], witnesses)


def _said(namings: Sequence[Naming]) -> str:
    return ", ".join(
        f"{naming.witness} {'say' if naming.witness.endswith('fields') else 'says'} "
        f"{_shown(f'{naming.data_model} {naming.event_type}'.strip())}"
        for naming in namings
    )


def _shown(text: str) -> str:
    """A name read from a page, safe to print."""
    return "".join(mark for mark in text if mark.isprintable())[:60]


def _refused(reason: str) -> EventVerdict:
    return EventVerdict("", "", "", reason)
