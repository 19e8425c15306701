"""Views core.event_type and evidence.message: which messages are evidence, and their place in time."""

from __future__ import annotations

from collections.abc import Callable

from etl.marts.projection import union_all
from etl.sql_text import quote
from models.catalog.records import Catalog, Direction

EVENT_TYPE = "core.event_type"
MESSAGE = "evidence.message"
_SNAPSHOT_MODELS = ("Clinical Summary",)


def event_types(catalog: Catalog) -> str:
    """The text of core.event_type."""
    replies = {
        (event.data_model, event.reply): event.event_type
        for model in catalog.data_models.values()
        for event in model.event_types
        if event.reply
    }
    rows = [
        (
            event.data_model,
            event.event_type,
            event.direction.value,
            replies.get((event.data_model, event.event_type), ""),
            _evidence(event.data_model, event.direction),
        )
        for _, model in sorted(catalog.data_models.items())
        for event in model.event_types
    ]
    listing = ",\n  ".join(
        f"({', '.join(quote(value) if value else 'null' for value in row)})" for row in rows
    )
    return f"""\
-- Event types of the catalog, and what kind of evidence their messages are.
-- grain: one row per data model and event type; key: data_model, event_type
-- words: direction (notification, query, reply), evidence (event, snapshot, none)
-- reads: nothing
-- columns:
--   data_model: Meta.DataModel
--   event_type: Meta.EventType
--   direction: notification, query, or the reply to one
--   reply_to: the query that a reply answers
--   evidence: event for what happened, snapshot for the current state, none for queries
select * from (values
  {listing}
) as listed(data_model, event_type, direction, reply_to, evidence)"""


def _evidence(data_model: str, direction: Direction) -> str:
    if direction is Direction.QUERY:
        return "none"
    is_snapshot = direction is Direction.REPLY or data_model in _SNAPSHOT_MODELS
    return "snapshot" if is_snapshot else "event"


def messages(catalog: Catalog, there: Callable[[str], bool]) -> str:
    """The text of evidence.message, over the tables that there are."""
    models = [
        (name, model.schema)
        for name, model in sorted(catalog.data_models.items())
        if there(f"{model.schema}.message")
    ]
    received = union_all(
        (
            f"select message_id, {quote(name)} as data_model, event_type, event_at, received_at, "
            f"source_id, facility_code, is_test from {schema}.message"
            for name, schema in models
        ),
        "message_id bigint, data_model varchar, event_type varchar, event_at timestamptz, "
        "received_at timestamptz, source_id varchar, facility_code varchar, is_test boolean",
    )
    reads = ", ".join(
        ["core.message", "core.load", EVENT_TYPE, *(f"{s}.message" for _, s in models)]
    )
    return f"""\
-- Messages that are evidence, without queries and test messages, and with their rank in time.
-- grain: one row per message; key: message_id
-- stored: whole
-- words: evidence (event, snapshot)
-- reads: {reads}
-- columns:
--   message_id: number of the message in the warehouse
--   data_model: Meta.DataModel
--   event_type: event type; for a reply its own event type, even if Meta.EventType has that of the query
--   evidence: event for what happened, snapshot for the current state
--   source_id: Meta.Source.ID; empty if there was none
--   source_name: Meta.Source.Name
--   facility_code: Meta.FacilityCode
--   canceled_event: Meta.CanceledEvent
--   event_at: Meta.EventDateTime
--   event_date: UTC date of event_at
--   received_at: when the message was received, if known
--   received_date: UTC date of received_at
--   happened_at: event_at, else received_at, else the time of the load
--   happened_date: UTC date of happened_at
--   seen_at: received_at, else event_at, else the time of the load
--   seen_date: UTC date of seen_at
--   sequence: rank of the message by macro core.sequence; the newest has the highest
with received as (
{received}
),

eligible as (
  select
    received.message_id,
    received.data_model,
    received.event_type,
    coalesce(event_type.evidence, 'event') as evidence,
    coalesce(received.source_id, '') as source_id,
    message.source_name,
    received.facility_code,
    message.canceled_event,
    received.event_at,
    received.received_at,
    coalesce(received.event_at, received.received_at, load.finished_at) as happened_at,
    core.sequence(
      received.received_at, received.event_at, load.finished_at, received.message_id
    ) as place
  from received
  inner join core.message as message
    on message.message_id = received.message_id
  left join core.load as load
    on load.load_id = message.load_id
  left join core.event_type as event_type
    on event_type.data_model = received.data_model
    and event_type.event_type = received.event_type
  where coalesce(event_type.evidence, 'event') <> 'none'
    and not coalesce(received.is_test, false)
)

select
  message_id,
  data_model,
  event_type,
  evidence,
  source_id,
  source_name,
  facility_code,
  canceled_event,
  event_at,
  core.utc_date(event_at) as event_date,
  received_at,
  core.utc_date(received_at) as received_date,
  happened_at,
  core.utc_date(happened_at) as happened_date,
  place[1] as seen_at,
  core.utc_date(place[1]) as seen_date,
  row_number() over (order by place) as sequence
from eligible"""
