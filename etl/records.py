"""Records that more than one step passes on. Nothing here does work."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Something odd or wrong in one message.

    `path` is in Redox notation, `ordinals` are the 1-based positions of its arrays, outermost
    first. Never holds a value of the payload; `suggestion` is a supported value of the catalog.
    """

    rule: str
    path: str
    ordinals: tuple[int, ...] = ()
    value_set: str = ""
    suggestion: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """What an item that is not loaded says of itself, "" where it does not.

    `data_model` is Meta.DataModel, of a FHIR resource `FHIR ` and its type; `source_id` is
    Meta.Source.ID, of a FHIR message the endpoint or name of its MessageHeader's source.
    """

    data_model: str = ""
    source_id: str = ""


@dataclass(frozen=True, slots=True)
class UnplacedValue:
    """A populated value the typed tables cannot hold; `value` is JSON text."""

    path: str
    ordinals: tuple[int, ...]
    reason: str
    value: str


@dataclass(frozen=True, slots=True)
class ReceivedForm:
    """The received JSON text of a value that is stored in another form."""

    path: str
    ordinals: tuple[int, ...]
    rule: str
    received: str


@dataclass(frozen=True, slots=True)
class Extension:
    """One typed value of an extension; `value` is text of a scalar or JSON text, see `json_type`."""

    owner_path: str
    ordinals: tuple[int, ...]
    slug: str
    value_type: str
    json_type: str
    url: str
    value: str
