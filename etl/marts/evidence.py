"""Schema `evidence`: what messages say of patients and visits, under one name over all data models.

Compiled from the catalog: a data model with a patient joins without SQL being written. Queries
(what somebody asked for) and test messages are left out. Only tables that exist are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from etl.marts.kinds import read_columns
from etl.marts.mentions import (
    IDENTIFIERS,
    PREVIOUS_IDENTIFIERS,
    Mention,
    patient_mentions,
    patient_place,
    visit_mentions,
)
from etl.marts.messages import EVENT_TYPE, MESSAGE, event_types, messages
from etl.marts.projection import Columns, CompiledView, project, typed, union_all
from etl.sql_text import quote
from models.catalog.records import Catalog
from models.tables.plan import WarehousePlan

IDENTIFIER = "evidence.patient_identifier"
DEMOGRAPHICS = "evidence.patient_demographics"
VISIT = "evidence.visit"
_EMAIL = "Demographics.EmailAddresses[]"


def _columns(view: str) -> Columns:
    """The columns of a view whose places all have the same paths."""
    return tuple((one.name, one.kind, next(iter(one.paths), "")) for one in read_columns(view))


def compile_evidence(
    catalog: Catalog, plan: WarehousePlan, tables: frozenset[str]
) -> tuple[CompiledView, ...]:
    """The views of schema evidence over those of the catalog's tables that there are."""
    there = tables.__contains__
    patients = [m for m in patient_mentions(catalog, plan) if there(m.table.qualified_name)]
    visits = [m for m in visit_mentions(catalog, plan) if there(m.table.qualified_name)]
    return (
        CompiledView(EVENT_TYPE, event_types(catalog)),
        CompiledView(MESSAGE, messages(catalog, there)),
        CompiledView(IDENTIFIER, _identifiers(patients, there)),
        CompiledView(DEMOGRAPHICS, _demographics(patients, there)),
        CompiledView(VISIT, _visits(visits)),
    )


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
-- Identifiers of patients, from every place in a message that names a patient.
-- grain: one row per message, place and identifier; key: message_id, path, is_previous, ordinal
-- stored: whole
-- reads: {", ".join(reads)}
-- columns:
--   message_id: number of the message in the warehouse
--   path: where the message names the patient, with 1-based positions in arrays
--   is_previous: the identifier is in PreviousIdentifiers
--   ordinal: 1-based position of the identifier
--   id_type: IDType as received; empty if there was none
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
        selects.append(project(mention, _columns(DEMOGRAPHICS), (("email", "VARCHAR", email),)))
    columns = (*_columns(DEMOGRAPHICS), ("email", "VARCHAR", ""))
    return f"""\
-- Demographics, from every place in a message that names a patient.
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
            _columns(VISIT),
            (
                ("data_model", "VARCHAR", quote(mention.data_model)),
                ("patient_path", "VARCHAR", patient_place(mention, "o")),
            ),
        )
        + f" where o.{mention.column('VisitNumber')} is not null"
        for mention in mentions
        if mention.column("VisitNumber")
    ]
    columns = (*_columns(VISIT), ("data_model", "VARCHAR", ""), ("patient_path", "VARCHAR", ""))
    tables = ", ".join(sorted({mention.table.qualified_name for mention in mentions}))
    return f"""\
-- Attributes of visits, from every place in a message that gives a visit number.
-- grain: one row per message and place that names a visit; key: message_id, path
-- stored: whole
-- reads: {tables or "nothing"}
{union_all(selects, typed(columns))}"""
