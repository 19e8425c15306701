"""Drift: what comes that the catalog does not list, and the lines that would list it.

Listing prints no values. Writing looks at the kept values, decides types, and adds lines to the
site's HOME/catalog/fields.csv; `reload` then moves the values into their columns.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import duckdb

from etl.conform.conformer import EXTENSION, EXTENSIONS
from etl.errors import UsageFault
from etl.known_names import require_known
from etl.pipeline.catalog_cache import site_plan
from etl.queries.drift_file import write_fields
from etl.queries.drift_names import Names
from etl.queries.inference import MOST_KEYS, InferredField, Looks
from etl.queries.reading import open_newest
from etl.report.views import view_select
from etl.settings import Settings
from models.catalog import Catalog, CatalogFaults, formats
from models.catalog.meta_fields import is_meta
from models.catalog.records import Field, JsonType, KnownExtension
from models.tables.plan import WarehousePlan

UNLISTED = "unlisted_key"
SOURCE = "drift"
_BATCH = 10_000
_LONGEST_INTEGER = 20
_COLUMNS = (
    "data_model, path, rule, json_type, size_class, first_day, last_day, messages, occurrences, "
    "sources, source_ids, event_types"
)
_KEPT = """
select message.data_model, kept.path, coalesce(message.read_as, message.event_type, ''), kept.value,
    count(*)
from core.unplaced_value as kept
join core.message using (message_id)
where kept.reason = 'unlisted_key'
group by all
"""


@dataclass(frozen=True, slots=True)
class DriftLine:
    """One row of quality.drift; `meaning` is that of an extension which is known by name."""

    data_model: str
    path: str
    rule: str
    json_type: str
    size_class: str
    first_day: date
    last_day: date
    messages: int
    occurrences: int
    sources: int
    source_ids: str
    event_types: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class NewLines:
    """What writing did: fields listed now, what was left out with a sentence each."""

    fields: tuple[Field, ...]
    left_out: tuple[str, ...]
    file: Path

    @property
    def data_models(self) -> tuple[str, ...]:
        return tuple(sorted({field.data_model for field in self.fields}))


def list_drift(
    connection: duckdb.DuckDBPyConnection,
    *,
    rules: Sequence[str] = (),
    data_models: Sequence[str] = (),
    limit: int = 1000,
    extensions: Sequence[KnownExtension] = (),
) -> list[DriftLine]:
    """What the catalog does not list, the most frequent first; `extensions` are known by name."""
    conditions, values = ["true"], []
    for column, wanted in (("rule", rules), ("data_model", data_models)):
        if wanted:
            conditions.append(f"{column} in ({', '.join('?' * len(wanted))})")
            values += list(wanted)
    query = (
        f"select {_COLUMNS} from {view_select('quality.drift')} "
        f"where {' and '.join(conditions)} "
        f"order by messages desc, data_model, path, rule, json_type limit {int(limit)}"
    )
    lines = (DriftLine(*row) for row in connection.execute(query, values).fetchall())
    return [replace(line, meaning=_meaning(line, extensions)) for line in lines]


def _meaning(line: DriftLine, extensions: Sequence[KnownExtension]) -> str:
    """What an extension means, "" for one that is not known by name and for all else."""
    if line.rule != EXTENSION:
        return ""
    owner, _, slug = line.path.rpartition(".")
    path = owner.removesuffix(EXTENSIONS).removesuffix(".")
    fitting = (one for one in extensions if one.slug == slug and one.fits(line.data_model, path))
    return next((one.meaning for one in fitting), "")


def write_drift(settings: Settings, *, data_models: Sequence[str] = ()) -> NewLines:
    """List every unlisted key, of these data models only if some are named, in the site's catalog.

    What is listed already stays as it is.

    Raises UsageFault, and writes nothing, when the catalog with the new lines would be faulty.
    """
    catalog, plan = _site_plan(settings)
    with open_newest(settings) as (connection, _):
        require_known(connection, data_models=data_models)
        looks = _look(connection, data_models or catalog.data_models)
        keywords = read_keywords(connection)
    new = [field for part in _parts(catalog, plan, looks, keywords) for field in part]
    file = settings.catalog_path / formats.FIELDS.file
    if new:
        write_fields(settings.catalog_path, new)
    return NewLines(tuple(new), tuple(left_out(looks)), file)


def _site_plan(settings: Settings) -> tuple[Catalog, WarehousePlan]:
    try:
        return site_plan(settings)
    except CatalogFaults as faults:
        raise UsageFault(str(faults)) from None


def _look(connection: duckdb.DuckDBPyConnection, data_models: Collection[str]) -> dict[str, Looks]:
    """How the kept values of each of these data models look."""
    looks: dict[str, Looks] = {}
    cursor = connection.execute(_KEPT)
    while rows := cursor.fetchmany(_BATCH):
        for data_model, path, event_type, value, count in rows:
            if data_model not in data_models:
                continue
            own = looks.setdefault(data_model, Looks())
            own.add(path, json.loads(value, parse_int=read_integer), event_type, times=count)
    return looks


def read_integer(text: str) -> int | float:
    """A whole number; int() refuses thousands of digits, and no column of integers holds them."""
    return int(text) if len(text) <= _LONGEST_INTEGER else float(text)


def read_keywords(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """The words that SQL reads as its own where a name should be."""
    query = "select keyword_name from duckdb_keywords() where keyword_category <> 'unreserved'"
    return frozenset(row[0] for row in connection.execute(query).fetchall())


def _parts(
    catalog: Catalog, plan: WarehousePlan, looks: dict[str, Looks], keywords: frozenset[str]
) -> Iterator[list[Field]]:
    """New fields, named: those of Meta, which all data models share, then model by model."""
    inferred = {model: _unlisted(catalog, model, own) for model, own in sorted(looks.items())}
    meta = [(model, f) for model, own in inferred.items() for f in own if is_meta(f.path)]
    if meta:
        yield _name_meta(catalog, plan, meta, keywords)
    for model, own in inferred.items():
        new = [list_field(catalog, model, f) for f in own if not is_meta(f.path)]
        if new:
            known = [f for f in catalog.fields[model] if not is_meta(f.path)]
            names = Names(catalog, plan, model, is_meta=False)
            yield names.settle(known, new, keywords)


def _unlisted(catalog: Catalog, data_model: str, looks: Looks) -> list[InferredField]:
    """Fields that no line lists yet, in any shape."""
    listed = {field.path.removesuffix("[]") for field in catalog.fields[data_model]}
    return [found for found in looks.fields() if found.path.removesuffix("[]") not in listed]


def _name_meta(
    catalog: Catalog,
    plan: WarehousePlan,
    meta: list[tuple[str, InferredField]],
    keywords: frozenset[str],
) -> list[Field]:
    """A path of Meta has one type in all data models: the listed one, else the first seen."""
    known: dict[str, Field] = {}
    for fields in catalog.fields.values():
        for field in fields:
            if is_meta(field.path):
                known.setdefault(field.path.removesuffix("[]"), field)
    shared: dict[str, Field] = {}
    found: list[Field] = []
    for model, inferred in meta:
        base = inferred.path.removesuffix("[]")
        field = list_field(catalog, model, inferred)
        like = known.get(base) or shared.setdefault(base, field)
        found.append(replace(like, data_model=model, event_types=field.event_types, source=SOURCE))
    names = Names(catalog, plan, "", is_meta=True)
    settled = names.settle(
        known.values(), (f for b, f in shared.items() if b not in known), keywords
    )
    given = {field.path: field.sql_name for field in settled}
    return [replace(f, sql_name=given.get(f.path, f.sql_name)) for f in found]


def list_field(catalog: Catalog, data_model: str, inferred: InferredField) -> Field:
    """The catalog's line for a field that was seen, listed for the event types it was seen in."""
    events = {event.event_type for event in catalog.data_models[data_model].event_types}
    return Field(
        data_model=data_model,
        path=inferred.path,
        json_type=inferred.json_type,
        item_type=inferred.item_type,
        number_kind=inferred.number_kind,
        temporal=inferred.temporal,
        value_set="",
        value_set_confidence="",
        sensitivity="",
        sql_name="",
        event_types=(inferred.event_types & events) or frozenset(events),
        is_volatile=False,
        source=SOURCE,
        note="",
    )


def left_out(looks: dict[str, Looks]) -> Iterator[str]:
    """A sentence for each kind of value that gets no field, or none of one type."""
    for data_model, own in sorted(looks.items()):
        if own.odd_keys:
            yield (
                f"{data_model}: {own.odd_keys:,} values are under keys that do not look like keys; "
                "they stay in core.unplaced_value."
            )
        for parent in sorted(own.crowded_parents()):
            yield (
                f"{data_model}: {parent or 'the message'} has more than {MOST_KEYS} unlisted keys, "
                "which seem to be data; they stay in core.unplaced_value, list by hand what is a field."
            )
        untyped = [f.path for f in own.fields() if f.json_type is JsonType.ANY]
        if untyped:
            yield f"{data_model}: no one type fits {_some(untyped)}; listed as JSON text (any)."


def _some(paths: Iterable[str]) -> str:
    listed = list(paths)
    return ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")
