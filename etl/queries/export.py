"""The order of steps of an export: choose tables, copy them, describe them, put them in place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from etl.errors import UsageFault
from etl.known_names import look_up
from etl.pipeline.publish import utc_now
from etl.publish.dictionary import ExportFacts, FieldFacts, write_companions
from etl.publish.export import ExportFormat, export_tables
from etl.publish.handover import appearing, check_target
from etl.publish.relations import Relation, read_relations
from etl.queries.reading import Readable, open_readable
from etl.settings import Settings
from etl.warehouse.connection import rewritten_errors

_MODELS = "select distinct data_model, table_schema from quality.field where table_schema <> 'core'"
_FIELDS = """
select
  table_schema, table_name, column_name, min(path), min(meaning), min(value_set), min(sensitivity)
from quality.field where column_name <> '' group by all
"""


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What was exported, from where, to which folder."""

    folder: str
    origin: str
    format: str
    tables: int
    rows: int
    bytes: int

    def to_json(self) -> dict[str, Any]:
        """The summary as plain data."""
        return asdict(self)


def export(
    settings: Settings,
    target: Path,
    *,
    tables: Sequence[str] = (),
    data_models: Sequence[str] = (),
    file_format: ExportFormat = ExportFormat.PARQUET,
    overwrite: bool = False,
    clock: Callable[[], datetime] = utc_now,
) -> ExportSummary:
    """Copy tables to a folder: all, or those named and those of the named data models.

    Analysts' views can be named too. Raises UsageFault for an unknown name or a folder that is not
    free.
    """
    target = target.expanduser().resolve()
    check_target(target, overwrite=overwrite)
    with open_readable(settings) as readable, rewritten_errors("export the warehouse"):
        chosen = _choose(readable, tables, data_models)
        fields = _fields(readable.connection)
        with appearing(target) as folder:
            exported = list(
                export_tables(readable.connection, chosen, folder, file_format=file_format)
            )
            facts = ExportFacts(clock().isoformat(), readable.origin, file_format.value)
            write_companions(folder, exported, facts, fields)
    return ExportSummary(
        folder=str(target),
        origin=readable.origin,
        format=file_format.value,
        tables=len(exported),
        rows=sum(table.rows for table in exported),
        bytes=sum(table.bytes for table in exported),
    )


def _choose(
    readable: Readable, tables: Sequence[str], data_models: Sequence[str]
) -> list[Relation]:
    if not tables and not data_models:
        return [relation for _, relation in sorted(readable.tables.items())]
    views = read_relations(readable.connection)
    named = look_up(tables, {**views, **readable.tables}, "table")
    rows = readable.connection.execute(_MODELS).fetchall()
    schemas = {name.lower(): schema for model, schema in rows for name in (model, schema)}
    wanted = set(look_up([name.lower() for name in data_models], schemas, "data model"))
    of_models = [r for r in readable.tables.values() if r.schema in wanted]
    chosen = {relation.qualified_name: relation for relation in (*named, *of_models)}
    if not chosen:
        raise UsageFault(
            "No messages of these data models are loaded; see `redox-warehouse status`."
        )
    return [relation for _, relation in sorted(chosen.items())]


def _fields(
    connection: duckdb.DuckDBPyConnection,
) -> dict[tuple[str, str, str], FieldFacts]:
    rows = connection.execute(_FIELDS).fetchall()
    return {
        (schema, table, column): FieldFacts(*(fact or "" for fact in facts))
        for schema, table, column, *facts in rows
    }
