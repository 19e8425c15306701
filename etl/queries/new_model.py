"""A data model that the catalog does not have, proposed from messages of it that wait in quarantine.

Reads their bytes, decides names and types, and prints or writes lines of the site's catalog:
HOME/catalog/{data_models,event_types,fields}.csv. `quarantine replay` then loads the messages. Keys
that an existing model lacks are the business of `drift`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from etl.conform.unknown import UNKNOWN_MODEL
from etl.duckdb_files import connected
from etl.errors import UsageFault
from etl.pipeline.load import Loader
from etl.pipeline.quarantine import SHOWN_MODEL, reading
from etl.pipeline.received import open_received
from etl.queries.drift import NewLines, left_out, list_field, read_integer, read_keywords
from etl.queries.drift_file import field_row, write_lines
from etl.queries.drift_names import Names
from etl.queries.inference import Looks
from models.catalog import Catalog, formats
from models.catalog.meta_fields import META, complete_meta, is_meta
from models.catalog.reader import OWN_SCHEMAS, SCHEMA_NAME
from models.catalog.records import BY_ANALOGY, DataModel, Direction, EventType, Field
from models.tables.naming import snake_case
from models.tables.plan import plan_tables

SITE: Final = "drift"
REPLY_ENDING: Final = "Response"
MOST_MESSAGES: Final = 1000
MOST_NAMES: Final = 20


@dataclass(frozen=True, slots=True)
class NewModel:
    """A proposed data model: its events and fields, how many messages it was read from."""

    data_model: DataModel
    fields: tuple[Field, ...]
    left_out: tuple[str, ...]
    messages: int


def propose_model(loader: Loader, name: str) -> NewModel:
    """Propose data model `name` from its messages in quarantine, at most 1,000 of them.

    Raises UsageFault where the catalog has it already, or no message of it waits.
    """
    catalog = loader.compiled.catalog
    if name in catalog.data_models:
        raise UsageFault(
            f"The catalog has data model {name} already; `redox-warehouse drift --write --model "
            f'"{name}"` lists what it lacks.'
        )
    looks, events, count = _look(unknown_messages(loader, name, limit=MOST_MESSAGES))
    if not count:
        raise UsageFault(
            f"No message of a data model of that name is in quarantine; {_hint(loader)}"
        )
    keywords = _keywords()
    model = _data_model(name, events, catalog, keywords)
    extended = _with_model(catalog, model)
    listed = {field.path.removesuffix("[]") for field in extended.fields[name]}
    new = [
        _like_others(list_field(extended, name, found), catalog)
        for found in looks.fields()
        if found.path.removesuffix("[]") not in listed
    ]
    names = Names(extended, plan_tables(extended), name, is_meta=False)
    own = [field for field in new if not is_meta(field.path)]
    return NewModel(
        model, tuple(names.settle((), own, keywords)), tuple(left_out({name: looks})), count
    )


def write_model(loader: Loader, name: str) -> NewLines:
    """Write what `propose_model` proposes into the site's catalog, all files or none of them."""
    new = propose_model(loader, name)
    model, overlay = new.data_model, loader.settings.catalog_path
    models = [{"data_model": name, "schema": model.schema, "description": model.description}]
    events = [
        {
            "data_model": name,
            "event_type": event.event_type,
            "direction": event.direction.value,
            "reply": event.reply,
            "source": event.source,
        }
        for event in model.event_types
    ]
    fields = [field_row(field) for field in new.fields]
    write_lines(
        overlay,
        ((formats.DATA_MODELS, models), (formats.EVENT_TYPES, events), (formats.FIELDS, fields)),
    )
    return NewLines(new.fields, new.left_out, overlay / formats.FIELDS.file)


def _hint(loader: Loader) -> str:
    waiting = list_unknown_models(loader)
    if not waiting:
        return "load some, they are kept there, then run this again."
    return f"waiting are {', '.join(waiting)}; give one of these."


def _look(messages: Iterable[bytes]) -> tuple[Looks, list[str], int]:
    """How the messages look, their event types in order of name, how many could be read."""
    looks, events, count = Looks(), set(), 0
    for message in messages:
        payload = _payload(message)
        meta = payload.get(META)
        event_type = meta.get("EventType") if isinstance(meta, dict) else None
        if not isinstance(event_type, str) or not event_type:
            continue
        events.add(event_type)
        count += 1
        for key, value in payload.items():
            if key != META and _is_populated(value):
                looks.add(key, value, event_type)
    return looks, sorted(events), count


def _payload(message: bytes) -> Mapping[str, Any]:
    with suppress(ValueError, RecursionError):
        value = json.loads(message, parse_int=read_integer)
        return value if isinstance(value, dict) else {}
    return {}


def _is_populated(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_is_populated, value.values() if isinstance(value, dict) else value))
    return value is not None and value != ""


def _data_model(
    name: str, events: list[str], catalog: Catalog, keywords: frozenset[str]
) -> DataModel:
    return DataModel(
        name,
        _schema(name, catalog, keywords),
        f"{name}, as its messages look here",
        tuple(_events(name, events)),
    )


def _schema(name: str, catalog: Catalog, keywords: frozenset[str]) -> str:
    """A schema's name that is free, and that SQL reads without quotes."""
    stem = snake_case(name.replace(".", " "))
    stem = stem if SCHEMA_NAME.fullmatch(stem) else "site_model"
    taken = {model.schema for model in catalog.data_models.values()} | {*OWN_SCHEMAS} | keywords
    candidates = (stem, f"{stem}_model", *(f"{stem}_{number}" for number in range(2, 1000)))
    return next(candidate for candidate in candidates if candidate not in taken)


def _events(name: str, events: list[str]) -> Iterator[EventType]:
    """The event types; one of which `...Response` came too is its query."""
    replies = {event: f"{event}{REPLY_ENDING}" for event in events}
    for event in events:
        reply = replies[event] if replies[event] in events else ""
        direction = Direction.QUERY if reply else Direction.NOTIFICATION
        if event in replies.values():
            direction = Direction.REPLY
        yield EventType(name, event, direction, reply, SITE)


def _with_model(catalog: Catalog, model: DataModel) -> Catalog:
    """The catalog with the model in it, of which only Meta has fields."""
    models = {**catalog.data_models, model.name: model}
    listed: dict[str, list[Field]] = {name: list(own) for name, own in catalog.fields.items()}
    fields = complete_meta({**listed, model.name: []}, models)
    return replace(
        catalog,
        data_models=models,
        fields={name: tuple(own) for name, own in fields.items()},
    )


def _like_others(field: Field, catalog: Catalog) -> Field:
    """The field with the sensitivity and value set that the same path has in another data model.

    The link to the set is by analogy, so a value outside it is counted, and is no warning.
    """
    others = (other for fields in catalog.fields.values() for other in fields)
    same = [other for other in others if other.path == field.path]
    value_set = next((other.value_set for other in same if other.value_set), "")
    return replace(
        field,
        sensitivity=next((other.sensitivity for other in same if other.sensitivity), ""),
        value_set=value_set if field.json_type in {other.json_type for other in same} else "",
        value_set_confidence=BY_ANALOGY if value_set else "",
    )


def _keywords() -> frozenset[str]:
    with connected(spill=None) as connection:
        return read_keywords(connection)


def list_unknown_models(loader: Loader) -> list[str]:
    """The data models of open items that the catalog does not have, those that look like names."""
    query = (
        "select distinct data_model from core.quarantine where state = 'open' and reason = ? "
        f"and regexp_full_match(data_model, '{SHOWN_MODEL}') order by 1 limit {MOST_NAMES}"
    )
    with reading(loader) as connection:
        return [row[0] for row in connection.execute(query, [UNKNOWN_MODEL]).fetchall()]


def unknown_messages(loader: Loader, data_model: str, *, limit: int) -> Iterator[bytes]:
    """The newest open messages that name this data model: UTF-8, taken out of their envelopes."""
    query = (
        "select object_id, item, unwrap from core.quarantine join core.landed_object using (object_id) "
        "where state = 'open' and reason = ? and data_model = ? order by quarantine_id desc limit ?"
    )
    with reading(loader) as connection:
        rows = connection.execute(query, [UNKNOWN_MODEL, data_model, limit]).fetchall()
    for object_id, item, recipe in rows:
        yield open_received(loader.landing, object_id, item, recipe, with_envelope=False)
