"""Who the patients are that are to be purged: all identifiers of each, and the messages of them.

By the bridge of the marts: the identifiers of the survivor, those that merges retired among them.
By identifiers besides: messages that are no evidence for marts (queries, test messages, candidates
of a search) name the patient too. An identifier that several patients share names nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from etl.errors import UsageFault
from etl.pipeline.purge.bridge import IDENTIFIERS, MENTIONS, STORED
from models.tables.plan import Table, WarehousePlan

ANY_TYPE = None
SHORT = 4
"""Shorter identifiers count as text only between quotes: `12` is in every date."""
_NAMING = ("mrn", "health_plan_id")
_PLACES = ("Identifiers[]", "PreviousIdentifiers[]")
_SIDE_TEXTS = (
    ("core.unplaced_value", "value"),
    ("core.received_form", "received"),
    ("core.extension", "value"),
)
_OWN = f"""
select distinct patient_id from {IDENTIFIERS}
where source_id = ? and id = ? and is_own_type and patient_id is not null
"""
_OTHER = f"""
select patient_id, is_shared from {IDENTIFIERS} where source_id = ? and id = ?
"""
_ALL = f"""
select id_type, id from {IDENTIFIERS}
where source_id = ? and patient_id = ? and not is_shared
"""


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier of a patient; `id_type` is None where any type is meant."""

    source_id: str
    id_type: str | None
    id: str


@dataclass(frozen=True, slots=True)
class Person:
    """One patient to purge: `patient_id` is the survivor's, empty where no mart knows one."""

    source_id: str
    patient_id: str
    identifiers: tuple[Identifier, ...]


def find_people(
    connection: duckdb.DuckDBPyConnection, patients: Sequence[str]
) -> tuple[Person, ...]:
    """Who is meant by each `SOURCE:ID`; the bridge is computed already.

    Raises UsageFault where one names several patients.
    """
    return tuple(_find_person(connection, *patient.split(":", 1)) for patient in patients)


def _find_person(connection: duckdb.DuckDBPyConnection, source_id: str, own: str) -> Person:
    found = [row[0] for row in connection.execute(_OWN, [source_id, own]).fetchall()]
    if not found:
        rows = connection.execute(_OTHER, [source_id, own]).fetchall()
        found = sorted({patient_id for patient_id, _ in rows if patient_id is not None})
        if len(found) > 1 or any(is_shared for _, is_shared in rows):
            raise UsageFault(
                "The identifier is shared by several patients; name each patient by an identifier "
                "of the type by which its source names patients."
            )
    if not found:
        return Person(source_id, "", (Identifier(source_id, ANY_TYPE, own),))
    own_ids = connection.execute(_ALL, [source_id, found[0]]).fetchall()
    known = tuple(Identifier(source_id, id_type, one) for id_type, one in own_ids)
    return Person(source_id, found[0], (*known, Identifier(source_id, "", own)))


def find_messages(
    connection: duckdb.DuckDBPyConnection, plan: WarehousePlan, people: Sequence[Person]
) -> None:
    """Fill the temporary table `of_patient` with the ids of all messages about these people."""
    connection.execute("create or replace temp table of_patient(message_id bigint)")
    for person in people:
        connection.execute(
            f"insert into of_patient select message_id from {MENTIONS} where patient_id = ?",
            [person.patient_id],
        )
    identifiers = [one for person in people for one in person.identifiers]
    table = pa.table(
        {
            "source_id": pa.array([one.source_id for one in identifiers], pa.string()),
            "id_type": pa.array([one.id_type for one in identifiers], pa.string()),
            "id": pa.array([one.id for one in identifiers], pa.string()),
        }
    )
    connection.register("wanted_identifier", table)
    for name in _naming_tables(connection, plan):
        connection.execute(
            f"insert into of_patient select named.message_id from {STORED}.{name} as named "
            f"join {STORED}.core.message as message on message.message_id = named.message_id "
            "semi join wanted_identifier as wanted on wanted.id = named.id "
            "and wanted.source_id = coalesce(message.source_id, '') "
            "and (wanted.id_type is null or wanted.id_type = coalesce(named.id_type, ''))"
        )
    connection.unregister("wanted_identifier")
    for person in people:
        _find_in_texts(connection, person)


def _naming_tables(connection: duckdb.DuckDBPyConnection, plan: WarehousePlan) -> Iterator[str]:
    """The tables in which people are named by identifiers, by the catalog's sensitivity."""
    query = (
        "select distinct schema_name || '.' || table_name from duckdb_columns() "
        "where database_name = ?"
    )
    existing = {row[0] for row in connection.execute(query, [STORED]).fetchall()}
    for tables in plan.models.values():
        for table in tables.values():
            if table.qualified_name in existing and _names_people(table):
                yield table.qualified_name


def _names_people(table: Table) -> bool:
    names = {column.name: column for column in table.columns}
    return (
        table.path.endswith(_PLACES)
        and {"id", "id_type"} <= names.keys()
        and names["id"].field.sensitivity in _NAMING
    )


def _find_in_texts(connection: duckdb.DuckDBPyConnection, person: Person) -> None:
    """Messages of the source in which an identifier is text beside the tables."""
    pattern = text_pattern([person])
    for name, column in _SIDE_TEXTS:
        for one in {identifier.id for identifier in person.identifiers}:
            rows = connection.execute(
                f"select kept.message_id, kept.{column} from {STORED}.{name} as kept "
                f"join {STORED}.core.message as message "
                "on message.message_id = kept.message_id "
                f"where coalesce(message.source_id, '') = ? and contains(kept.{column}, ?)",
                [person.source_id, one],
            ).fetchall()
            found = {row[0] for row in rows if pattern.search(f'"{row[1]}"'.encode())}
            connection.execute(
                "insert into of_patient select unnest(cast(? as bigint[]))", [list(found)]
            )


def text_pattern(people: Iterable[Person]) -> re.Pattern[bytes]:
    """Matches bytes in which an identifier of these people is a word or a JSON string."""
    ids = sorted({one.id for person in people for one in person.identifiers}, reverse=True)
    words = [re.escape(one.encode()) for one in ids if len(one) >= SHORT]
    short = [re.escape(one.encode()) for one in ids if len(one) < SHORT]
    parts = []
    if words:
        parts.append(rb"(?<![A-Za-z0-9])(?:" + b"|".join(words) + rb")(?![A-Za-z0-9])")
    if short:
        parts.append(rb'"(?:' + b"|".join(short) + rb')"')
    return re.compile(b"|".join(parts) or rb"(?!)")
