"""Schema `evidence`: what messages say of patients and visits, under one name over all data models.

Compiled from the catalog: a data model with a patient joins without SQL being written. Queries
(what somebody asked for) and test messages are left out. Only tables that exist are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from etl.marts.mentions import (
    IDENTIFIERS,
    PREVIOUS_IDENTIFIERS,
    Mention,
    patient_mentions,
    patient_place,
    visit_mentions,
)
from etl.sql_text import quote
from models.catalog.records import Catalog, Direction
from models.tables.plan import Storage, WarehousePlan

EVENT_TYPE = "core.event_type"
MESSAGE = "evidence.message"
IDENTIFIER = "evidence.patient_identifier"
DEMOGRAPHICS = "evidence.patient_demographics"
VISIT = "evidence.visit"

_SNAPSHOT_MODELS = ("Clinical Summary",)

Columns = tuple[tuple[str, str, str], ...]
# column, its type, the path below the place that holds it
_DEMOGRAPHICS: Columns = (
    ("first_name", "VARCHAR", "Demographics.FirstName"),
    ("middle_name", "VARCHAR", "Demographics.MiddleName"),
    ("last_name", "VARCHAR", "Demographics.LastName"),
    ("birth_date", "DATE", "Demographics.DOB"),
    ("sex", "VARCHAR", "Demographics.Sex"),
    ("race", "VARCHAR", "Demographics.Race"),
    ("is_hispanic", "BOOLEAN", "Demographics.IsHispanic"),
    ("ethnicity", "VARCHAR", "Demographics.Ethnicity"),
    ("language", "VARCHAR", "Demographics.Language"),
    ("marital_status", "VARCHAR", "Demographics.MaritalStatus"),
    ("religion", "VARCHAR", "Demographics.Religion"),
    ("ssn", "VARCHAR", "Demographics.SSN"),
    ("street_address", "VARCHAR", "Demographics.Address.StreetAddress"),
    ("city", "VARCHAR", "Demographics.Address.City"),
    ("county", "VARCHAR", "Demographics.Address.County"),
    ("state", "VARCHAR", "Demographics.Address.State"),
    ("zip_code", "VARCHAR", "Demographics.Address.ZIP"),
    ("country", "VARCHAR", "Demographics.Address.Country"),
    ("phone_home", "VARCHAR", "Demographics.PhoneNumber.Home"),
    ("phone_mobile", "VARCHAR", "Demographics.PhoneNumber.Mobile"),
    ("phone_office", "VARCHAR", "Demographics.PhoneNumber.Office"),
    ("is_deceased", "BOOLEAN", "Demographics.IsDeceased"),
    ("death_at", "TIMESTAMPTZ", "Demographics.DeathDateTime"),
)
_EMAIL = "Demographics.EmailAddresses[]"


def _person(name: str, path: str) -> Columns:
    return (
        (f"{name}_id", "VARCHAR", f"{path}.ID"),
        (f"{name}_id_type", "VARCHAR", f"{path}.IDType"),
        (f"{name}_npi", "VARCHAR", f"{path}.NPI"),
        (f"{name}_first_name", "VARCHAR", f"{path}.FirstName"),
        (f"{name}_last_name", "VARCHAR", f"{path}.LastName"),
    )


def _place(prefix: str, path: str) -> Columns:
    return (
        (f"{prefix}facility", "VARCHAR", f"{path}.Facility"),
        (f"{prefix}department", "VARCHAR", f"{path}.Department"),
        (f"{prefix}room", "VARCHAR", f"{path}.Room"),
        (f"{prefix}bed", "VARCHAR", f"{path}.Bed"),
    )


_VISIT: Columns = (
    ("visit_number", "VARCHAR", "VisitNumber"),
    ("account_number", "VARCHAR", "AccountNumber"),
    ("old_visit_number", "VARCHAR", "OldVisitNumber"),
    ("visit_at", "TIMESTAMPTZ", "VisitDateTime"),
    ("discharge_at", "TIMESTAMPTZ", "DischargeDateTime"),
    ("duration_minutes", "DOUBLE", "Duration"),
    ("patient_class", "VARCHAR", "PatientClass"),
    ("visit_type", "VARCHAR", "Type"),
    ("visit_status", "VARCHAR", "Status"),
    ("reason", "VARCHAR", "Reason"),
    ("cancel_reason", "VARCHAR", "CancelReason"),
    ("disposition_code", "VARCHAR", "DischargeStatus.Code"),
    ("disposition", "VARCHAR", "DischargeStatus.Description"),
    *_place("", "Location"),
    *_person("attending", "AttendingProvider"),
    *_person("referring", "ReferringProvider"),
    *_person("admitting", "AdmittingProvider"),
    *_person("visit_provider", "VisitProvider"),
)


@dataclass(frozen=True, slots=True)
class CompiledView:
    """A view without a file: its qualified name, its text with the header of all views."""

    name: str
    select: str


def compile_evidence(
    catalog: Catalog, plan: WarehousePlan, tables: frozenset[str]
) -> tuple[CompiledView, ...]:
    """The views of schema evidence over those of the catalog's tables that there are."""
    there = tables.__contains__
    patients = [m for m in patient_mentions(catalog, plan) if there(m.table.qualified_name)]
    visits = [m for m in visit_mentions(catalog, plan) if there(m.table.qualified_name)]
    return (
        CompiledView(EVENT_TYPE, _event_types(catalog)),
        CompiledView(MESSAGE, _messages(catalog, there)),
        CompiledView(IDENTIFIER, _identifiers(patients, there)),
        CompiledView(DEMOGRAPHICS, _demographics(patients, there)),
        CompiledView(VISIT, _visits(visits)),
    )


def _event_types(catalog: Catalog) -> str:
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
-- Event types as the catalog lists them, with what their messages are evidence of.
-- grain: one row per data model and event type; key: data_model, event_type
-- words: direction (notification, query, reply), evidence (event, snapshot, none)
-- reads: nothing
-- columns:
--   data_model: Meta.DataModel
--   event_type: Meta.EventType
--   direction: notification, query, or the reply to one
--   reply_to: the query that a reply answers
--   evidence: event says what happened, snapshot how things stand; a query is evidence of nothing
select * from (values
  {listing}
) as listed(data_model, event_type, direction, reply_to, evidence)"""


def _evidence(data_model: str, direction: Direction) -> str:
    if direction is Direction.QUERY:
        return "none"
    is_snapshot = direction is Direction.REPLY or data_model in _SNAPSHOT_MODELS
    return "snapshot" if is_snapshot else "event"


def _messages(catalog: Catalog, there: Callable[[str], bool]) -> str:
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
-- Messages that are evidence: no queries, no test messages; with their place in time.
-- grain: one row per message; key: message_id
-- stored: whole
-- words: evidence (event, snapshot)
-- reads: {reads}
-- columns:
--   message_id: number of the message in the warehouse
--   data_model: Meta.DataModel
--   event_type: event type; of a reply its own, whatever Meta.EventType says
--   evidence: event says what happened, snapshot how things stand
--   source_id: Meta.Source.ID, empty where nothing came
--   source_name: Meta.Source.Name
--   facility_code: Meta.FacilityCode
--   canceled_event: Meta.CanceledEvent
--   event_at: Meta.EventDateTime
--   event_date: its day in UTC
--   received_at: when the message was received, where known
--   received_date: its day in UTC
--   happened_at: event_at, else received_at, else the time of the load
--   happened_date: its day in UTC
--   seen_at: received_at, else event_at, else the time of the load
--   seen_date: its day in UTC
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


def _identifiers(mentions: Iterable[Mention], there: Callable[[str], bool]) -> str:
    selects, reads = [], [MESSAGE]
    for mention in mentions:
        for below in (IDENTIFIERS, PREVIOUS_IDENTIFIERS):
            table = mention.array(below)
            if table is None or not there(table.qualified_name):
                continue
            reads.append(table.qualified_name)
            ordinal = table.ordinals[-1]
            selects.append(
                f"select i.message_id, {mention.position('i')} as path, "
                f"{str(below == PREVIOUS_IDENTIFIERS).lower()} as is_previous, "
                f"i.{ordinal} as ordinal, coalesce(i.id_type, '') as id_type, i.id "
                f"from {table.qualified_name} as i where i.id is not null"
            )
    columns = (
        "message_id bigint, path varchar, is_previous boolean, ordinal integer, id_type varchar, "
        "id varchar"
    )
    return f"""\
-- Identifiers of patients, wherever a message names a patient by them.
-- grain: one row per message, place and identifier; key: message_id, path, is_previous, ordinal
-- stored: whole
-- reads: {", ".join(reads)}
-- columns:
--   message_id: number of the message in the warehouse
--   path: the place that names the patient, with 1-based positions in arrays
--   is_previous: the identifier stands in PreviousIdentifiers
--   ordinal: 1-based position of the identifier
--   id_type: IDType as received, empty where nothing came
--   id: ID as received
--   source_id: Meta.Source.ID
--   sequence: rank of the message in time
select
  found.message_id,
  found.path,
  found.is_previous,
  found.ordinal,
  found.id_type,
  found.id,
  message.source_id,
  message.sequence
from (
{union_all(selects, columns)}
) as found
inner join {MESSAGE} as message
  on message.message_id = found.message_id"""


def _demographics(mentions: Iterable[Mention], there: Callable[[str], bool]) -> str:
    selects, reads = [], []
    for mention in mentions:
        if not mention.column("Demographics.LastName"):
            continue
        reads.append(mention.table.qualified_name)
        email = _first_email(mention, there, reads)
        selects.append(project(mention, _DEMOGRAPHICS, (("email", "VARCHAR", email),)))
    columns = (*_DEMOGRAPHICS, ("email", "VARCHAR", ""))
    return f"""\
-- What messages say of a patient's person, wherever they name one.
-- grain: one row per message and place that names a patient; key: message_id, path
-- reads: {", ".join(reads) or "nothing"}
{union_all(selects, typed(columns))}"""


def _first_email(mention: Mention, there: Callable[[str], bool], reads: list[str]) -> str:
    """The first address of a patient: a scalar in most data models, an object in some."""
    table = mention.array(_EMAIL)
    if table is None or not there(table.qualified_name):
        return "null"
    reads.append(table.qualified_name)
    names = {column.name for column in table.columns}
    column = "address" if "address" in names else "value"
    same = [f"e.{key} = o.{key}" for key in mention.table.key]
    return (
        f"(select arg_min(e.{column}, e.{table.ordinals[-1]}) from {table.qualified_name} as e "
        f"where {' and '.join(same)})"
    )


def _visits(mentions: Iterable[Mention]) -> str:
    mentions = list(mentions)
    selects = [
        project(
            mention,
            _VISIT,
            (
                ("data_model", "VARCHAR", quote(mention.data_model)),
                ("patient_path", "VARCHAR", patient_place(mention, "o")),
            ),
        )
        + f" where o.{mention.column('VisitNumber')} is not null"
        for mention in mentions
        if mention.column("VisitNumber")
    ]
    columns = (*_VISIT, ("data_model", "VARCHAR", ""), ("patient_path", "VARCHAR", ""))
    tables = ", ".join(sorted({mention.table.qualified_name for mention in mentions}))
    return f"""\
-- What messages say of a visit that they name by its number.
-- grain: one row per message and place that names a visit; key: message_id, path
-- stored: whole
-- reads: {tables or "nothing"}
{union_all(selects, typed(columns))}"""


def project(mention: Mention, columns: Columns, more: Columns) -> str:
    """One row per place; null where the data model has no such column."""
    listing = [f"o.message_id, {mention.position('o')} as path"]
    for name, kind, below in columns:
        listing.append(f"cast({_value(mention, below, kind)} as {kind}) as {name}")
    listing += [f"cast({expression} as {kind}) as {name}" for name, kind, expression in more]
    return f"select {', '.join(listing)} from {mention.table.qualified_name} as o"


def _value(mention: Mention, below: str, kind: str) -> str:
    """The column that holds a path; a whole number as text without a point."""
    column = next((c for c in mention.table.columns if c.path == f"{mention.path}.{below}"), None)
    if column is None:
        return "null"
    if kind == "VARCHAR" and column.storage is Storage.DOUBLE:
        return f"regexp_replace(cast(o.{column.name} as varchar), '[.]0$', '')"
    return f"o.{column.name}"


def typed(columns: Columns) -> str:
    return ", ".join(
        ["message_id bigint", "path varchar", *(f"{name} {kind}" for name, kind, _ in columns)]
    )


def union_all(selects: Iterable[str], columns: str) -> str:
    """The selects one after the other; without any, no rows of these columns."""
    text = "\nunion all\n".join(selects)
    if text:
        return text
    empty: Iterator[str] = (
        f"cast(null as {kind}) as {name}"
        for name, _, kind in (column.strip().partition(" ") for column in columns.split(","))
    )
    return f"select {', '.join(empty)} where false"
