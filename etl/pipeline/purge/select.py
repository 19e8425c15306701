"""What a purge removes: messages, deliveries of the same content, items in quarantine, torn ends.

Read from the warehouse attached as `stored` and from landed bytes; changes nothing. Bytes that could
not be read as a message are searched for the patients' identifiers as text.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from etl.errors import RedoxWarehouseError
from etl.known_names import look_up
from etl.landing.store import Landing
from etl.pipeline.load import Loader
from etl.pipeline.purge.bridge import STORED, compute_bridge, open_stored
from etl.pipeline.purge.patients import Person, find_messages, find_people, text_pattern
from etl.pipeline.purge.request import PurgeRequest
from etl.warehouse.ledger import PurgedRow

TORN = -1
_MESSAGES = f"""
create or replace temp table chosen_message as
select
  message.message_id,
  message.load_id,
  message.object_id,
  message.item,
  cast(message.content_hash as varchar) as content_hash
from {STORED}.core.message as message
left join {STORED}.core.landed_object as object on object.object_id = message.object_id
where {{conditions}}
"""
_DAY = "cast(coalesce(message.event_at, message.received_at, object.landed_at) as date)"
_DELIVERIES = f"""
select delivery.object_id, delivery.item
from {STORED}.core.duplicate_delivery as delivery
semi join chosen_message on chosen_message.message_id = delivery.duplicate_of
"""
_QUARANTINED = f"""
select quarantine_id, object_id, item, byte_offset, byte_length, coalesce(source_id, '')
from {STORED}.core.quarantine as item
where state in ('open', 'resolved') and {{conditions}}
order by object_id, byte_offset
"""
_TORN = f"""
select object_id, size_bytes, torn_bytes, item_count from {STORED}.core.landed_object
where torn_bytes > 0 and purged_at is null
"""
_NAMED_OBJECTS = f"select object_id, uri from {STORED}.core.landed_object where uri <> ''"
_IN_PLACE = f"select object_id from {STORED}.core.landed_object where in_place"
_OTHERS = """
select count(distinct mention.message_id) from mart.message_patient as mention
semi join chosen_message on chosen_message.message_id = mention.message_id
where mention.patient_id is null or mention.patient_id not in (select unnest(?::varchar[]))
"""


@dataclass(frozen=True, slots=True)
class Selected:
    """What is to be removed.

    `messages` has one row per message: message_id, load_id, object_id, item, content_hash.
    `erased` are all items whose bytes are to be overwritten, those of the messages among them;
    `named_objects` are objects whose file name holds an identifier. `with_others` counts messages
    that name other patients too: they are removed whole.
    """

    messages: pa.Table
    deliveries: tuple[tuple[str, int], ...]
    quarantine_ids: tuple[int, ...]
    erased: tuple[PurgedRow, ...]
    in_place: int
    named_objects: tuple[str, ...]
    people: tuple[Person, ...]
    with_others: int

    @property
    def is_empty(self) -> bool:
        """True if there is nothing to remove."""
        return not (self.messages.num_rows or self.quarantine_ids or self.erased)

    @property
    def objects(self) -> int:
        """In how many landed objects bytes are to be overwritten."""
        return len({row.object_id for row in self.erased})

    @property
    def bytes(self) -> int:
        """How many landed bytes are to be overwritten."""
        return sum(row.byte_length for row in self.erased)


def select(loader: Loader, request: PurgeRequest) -> Selected:
    """Find all that a request names; the caller holds the write lock.

    Raises UsageFault for an unknown data model, or an identifier of several patients.
    """
    catalog = loader.compiled.catalog
    models = look_up(request.data_models, catalog.data_models, "data model")
    with open_stored(loader.settings) as connection:
        people: tuple[Person, ...] = ()
        if request.patients:
            compute_bridge(connection, loader.settings, catalog.content_hash)
            people = find_people(connection, request.patients)
            find_messages(connection, loader.compiled.plan, people)
        _choose_messages(connection, request, [model.name for model in models])
        deliveries = connection.execute(_DELIVERIES).fetchall()
        quarantined = list(_quarantined(connection, loader, request, people))
        messages = connection.sql("select * from chosen_message order by 1").to_arrow_table()
        places = [*_places_of(messages), *deliveries]
        torn = list(_torn_ends(connection, loader.landing, people)) if people else []
        in_place = {row[0] for row in connection.execute(_IN_PLACE).fetchall()}
        others = _count_others(connection, people)
        named = tuple(_named_objects(connection, people))
    erased = [*_located(loader.landing, places), *(row for _, row in quarantined), *torn]
    return Selected(
        messages=messages,
        deliveries=tuple(deliveries),
        quarantine_ids=tuple(number for number, _ in quarantined),
        erased=tuple(erased),
        in_place=sum(row.object_id in in_place for row in erased),
        named_objects=named,
        people=people,
        with_others=others,
    )


def _choose_messages(
    connection: duckdb.DuckDBPyConnection, request: PurgeRequest, models: Sequence[str]
) -> None:
    conditions, values = ["true"], []
    for column, wanted in (
        ("message.source_id", request.sources),
        ("message.message_id", request.messages),
        ("message.data_model", models),
    ):
        if wanted:
            conditions.append(f"{column} in ({', '.join('?' * len(wanted))})")
            values += [*wanted]
    if request.before:
        conditions.append(f"{_DAY} < cast(? as date)")
        values.append(request.before)
    if request.patients:
        conditions.append("message.message_id in (select message_id from of_patient)")
    if request.expired or request.quarantined_before:
        expired = [
            f"(coalesce(message.source_id, '') = ? and message.data_model = ? "
            f"and {_DAY} < cast(? as date))"
            for _ in request.expired
        ]
        conditions.append(f"({' or '.join(['false', *expired])})")
        values += [value for one in request.expired for value in one]
    connection.execute(_MESSAGES.format(conditions=" and ".join(conditions)), values)


def _places_of(messages: pa.Table) -> Iterator[tuple[str, int]]:
    yield from zip(messages["object_id"].to_pylist(), messages["item"].to_pylist(), strict=True)


def _quarantined(
    connection: duckdb.DuckDBPyConnection,
    loader: Loader,
    request: PurgeRequest,
    people: Sequence[Person],
) -> Iterator[tuple[int, PurgedRow]]:
    """Items in quarantine that meet the conditions; of patients, those that hold an identifier."""
    conditions, values = ["true"], []
    if request.sources:
        conditions.append(f"source_id in ({', '.join('?' * len(request.sources))})")
        values += [*request.sources]
    if request.before:
        conditions.append("cast(coalesce(received_at, quarantined_at) as date) < cast(? as date)")
        values.append(request.before)
    if request.data_models:
        unknown = "data_model is null or " if people else ""
        marks = ", ".join("?" * len(request.data_models))
        conditions.append(f"({unknown}data_model in ({marks}))")
        values += [*request.data_models]
    if request.quarantined_before:
        conditions.append("cast(coalesce(received_at, quarantined_at) as date) < cast(? as date)")
        values.append(request.quarantined_before)
    if request.messages or (request.expired and not request.quarantined_before):
        return
    query = _QUARANTINED.format(conditions=" and ".join(conditions))
    pattern = text_pattern(people)
    sources = {person.source_id for person in people}
    for number, object_id, item, offset, length, source in connection.execute(
        query, values
    ).fetchall():
        if people and source and source not in sources:
            continue
        if not people or pattern.search(_read(loader.landing, object_id, offset, length)):
            yield number, PurgedRow(object_id, item, offset, length)


def _torn_ends(
    connection: duckdb.DuckDBPyConnection, landing: Landing, people: Sequence[Person]
) -> Iterator[PurgedRow]:
    """Unacknowledged ends of segments that hold an identifier; no item, but bytes that are kept."""
    pattern = text_pattern(people)
    for object_id, size, torn, _ in connection.execute(_TORN).fetchall():
        if pattern.search(_read(landing, object_id, size - torn, torn)):
            yield PurgedRow(object_id, TORN, size - torn, torn)


def _read(landing: Landing, object_id: str, offset: int, length: int) -> bytes:
    """Bytes of an object, none where it cannot be read: then there is nothing to overwrite."""
    try:
        return landing.read(object_id, offset, length)
    except (RedoxWarehouseError, OSError):
        return b""


def _located(landing: Landing, places: Sequence[tuple[str, int]]) -> Iterator[PurgedRow]:
    """Where the bytes of items are, by the index of their object."""
    by_object: dict[str, list[int]] = defaultdict(list)
    for object_id, item in places:
        by_object[object_id].append(item)
    for object_id, items in sorted(by_object.items()):
        if not landing.has(object_id):
            yield from (PurgedRow(object_id, item, 0, 0, is_erased=True) for item in items)
            continue
        index = landing.items(object_id)
        for item in sorted(items):
            yield PurgedRow(object_id, item, int(index.offset[item]), int(index.length[item]))


def _named_objects(
    connection: duckdb.DuckDBPyConnection, people: Sequence[Person]
) -> Iterator[str]:
    if not people:
        return
    pattern = text_pattern(people)
    for object_id, uri in connection.execute(_NAMED_OBJECTS).fetchall():
        if pattern.search(uri.encode("utf-8", "surrogateescape")):
            yield object_id


def _count_others(connection: duckdb.DuckDBPyConnection, people: Sequence[Person]) -> int:
    if not people:
        return 0
    own = [person.patient_id for person in people]
    return int(connection.execute(_OTHERS, [own]).fetchall()[0][0])
