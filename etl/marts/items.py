"""Views of what messages list about patients: diagnoses, allergies, medications, orders and so on.

One view of schema evidence per kind of thing, over every place of the catalog that holds such
things (`etl.marts.kinds`). Every row knows the places of its patient and its visit in the message.
"""

from __future__ import annotations

from collections.abc import Iterator

from etl.marts.kinds import Item, read_items
from etl.marts.lookups import keys_of_code_system
from etl.marts.mentions import Mention, patient_place, patient_root, visit_place, visit_root
from etl.marts.projection import Columns, CompiledView, project, typed, union_all
from etl.sql_text import quote
from models.catalog.records import Catalog, JsonType
from models.tables.naming import enclosing_array, last_key
from models.tables.plan import WarehousePlan

TEXT, INSTANT = "VARCHAR", "TIMESTAMPTZ"
_CODE_SYSTEM = "evidence.code_system"
_JOINED = ("evidence.message", "evidence.visit", "mart.message_patient")
_CODE_TYPE = """,
  core.code_system_name(
    coalesce(by_name.code_system, by_oid.code_system), listed.code_system
  ) as code_type"""
_CODE_JOINS = """
left join evidence.code_system as by_name
  on by_name.received = core.normal_key(listed.code_system)
left join evidence.code_system as by_oid
  on by_oid.received = core.normal_key(listed.code_system_oid)"""
_DERIVED = (
    ("data_model", TEXT, ""),
    ("list", TEXT, ""),
    ("ordinal", "INTEGER", ""),
    ("patient_path", TEXT, ""),
    ("patient_root", TEXT, ""),
    ("visit_path", TEXT, ""),
    ("visit_root", TEXT, ""),
)

# what a view adds to what is listed
_ADDED: Columns = (
    *((name, TEXT, "") for name in ("source_id", "source_name", "evidence", "event_type")),
    ("seen_at", INSTANT, ""),
    ("happened_at", INSTANT, ""),
    ("sequence", "BIGINT", ""),
    *((name, TEXT, "") for name in ("patient_id", "patient_key", "visit_number", "visit_id")),
)
_ADDED_CODES: Columns = (("code_type", TEXT, ""),)


def compile_items(
    catalog: Catalog, plan: WarehousePlan, tables: frozenset[str]
) -> Iterator[CompiledView]:
    """The views over those places whose tables there are."""
    for item in read_items():
        places = [p for p in places_of(item, catalog, plan) if p.table.qualified_name in tables]
        columns: Columns = (
            *((one.name, one.kind, "") for one in item.columns),
            *((name, TEXT, "") for name, _ in item.codes),
            *((name, TEXT, "") for name, _, _ in item.first_of),
            *_DERIVED,
        )
        reads = {place.table.qualified_name for place in places}
        selects = [_select(item, place, tables, reads) for place in places]
        yield CompiledView(item.view, _text(item, selects, columns, reads))


def _text(item: Item, selects: list[str], columns: Columns, reads: set[str]) -> str:
    """The view: what is listed, with its message, patient, visit and the name of its code system."""
    own = [name for name, _, _ in columns]
    has_codes = "code_system" in own
    if not selects:
        return _empty(item, (*columns, *_ADDED, *(_ADDED_CODES if has_codes else ())))
    listing = ",\n  ".join(f"listed.{name}" for name in ("message_id", "path", *own))
    joined = sorted({*reads, *_JOINED, *([_CODE_SYSTEM] if has_codes else [])})
    return f"""\
-- {item.comment}
-- grain: one row per message and place; key: message_id, path
-- stored: whole
-- reads: {", ".join(joined)}
select
  {listing},
  message.source_id,
  message.source_name,
  message.evidence,
  message.event_type,
  message.seen_at,
  message.happened_at,
  message.sequence,
  coalesce(nearest.patient_id, own.patient_id) as patient_id,
  coalesce(
    nearest.patient_id,
    own.patient_id,
    concat('message ', listed.message_id, ' ', listed.patient_path)
  ) as patient_key,
  coalesce(nearest_visit.visit_number, own_visit.visit_number) as visit_number,
  message.source_id || ':'
    || coalesce(nearest_visit.visit_number, own_visit.visit_number) as visit_id{_CODE_TYPE if has_codes else ""}
from (
{union_all(selects, typed(columns))}
) as listed
inner join evidence.message as message
  on message.message_id = listed.message_id
left join mart.message_patient as nearest
  on nearest.message_id = listed.message_id
  and nearest.path = listed.patient_path
left join mart.message_patient as own
  on own.message_id = listed.message_id
  and own.path = listed.patient_root
left join evidence.visit as nearest_visit
  on nearest_visit.message_id = listed.message_id
  and nearest_visit.path = listed.visit_path
left join evidence.visit as own_visit
  on own_visit.message_id = listed.message_id
  and own_visit.path = listed.visit_root{_CODE_JOINS if has_codes else ""}"""


def _empty(item: Item, columns: Columns) -> str:
    """The view where no table holds such things: it reads nothing, so it is never made again."""
    return f"""\
-- {item.comment}
-- grain: one row per message and place; key: message_id, path
-- stored: whole
-- reads: nothing
{union_all((), typed(columns))}"""


def places_of(item: Item, catalog: Catalog, plan: WarehousePlan) -> Iterator[Mention]:
    """Every place that holds such things, by data model and path."""
    for name, model in sorted(catalog.data_models.items(), key=lambda pair: pair[1].schema):
        if item.models and name not in item.models:
            continue
        listed = {field.path for field in catalog.fields[name]}
        holders = {
            field.path
            for field in catalog.fields[name]
            if field.json_type in (JsonType.ARRAY, JsonType.OBJECT)
        }
        for path in sorted(holders):
            is_kind = last_key(path) in item.keys and not path.startswith(item.but_not or "\0")
            if is_kind and any(f"{path}.{leaf}" in listed for leaf in item.marker):
                tables = plan.models[name]
                table = tables[path if path.endswith("[]") else enclosing_array(path)]
                yield Mention(name, model.schema, path, table, tables)


def _select(item: Item, place: Mention, tables: frozenset[str], reads: set[str]) -> str:
    columns: Columns = tuple(
        (one.name, one.kind, next((path for path in one.paths if place.column(path)), ""))
        for one in item.columns
    )
    alt = next((t for t in map(place.array, item.alt_codes) if t), None)
    alt = alt if alt and alt.qualified_name in tables else None
    derived: list[tuple[str, str, str]] = []
    for name, system in item.codes:
        derived.append(
            (name, TEXT, _code_of(system, columns, place, alt.qualified_name if alt else None))
        )
    for name, array, leaf in item.first_of:
        derived.append((name, TEXT, _first_of(place, array, leaf, tables, reads)))
    if alt and item.codes:
        reads.add(alt.qualified_name)
    derived += [
        ("data_model", TEXT, quote(place.data_model)),
        ("list", TEXT, quote(place.path)),
        ("ordinal", "INTEGER", f"o.{place.table.ordinals[-1]}" if place.table.ordinals else "1"),
        ("patient_path", TEXT, patient_place(place, "o")),
        ("patient_root", TEXT, patient_root(place)),
        ("visit_path", TEXT, visit_place(place, "o")),
        ("visit_root", TEXT, visit_root(place)),
    ]
    return project(place, columns, tuple(derived)) + _where(place, item)


def _where(place: Mention, item: Item) -> str:
    """An object is there when something of it is; an element of an array has a row then."""
    if place.path.endswith("[]"):
        return ""
    found = [place.column(below) for one in item.columns for below in one.paths]
    return (
        f" where coalesce({', '.join(f'cast(o.{c} as varchar)' for c in found if c)}) is not null"
    )


def _code_of(system: str, columns: Columns, place: Mention, alt: str | None) -> str:
    """The code of one system: the main one where it is of the system, else the first further one."""
    keys = ", ".join(quote(key) for key in keys_of_code_system(system))
    below = {name: path for name, _, path in columns}
    code, name = place.column(below["code"]), place.column(below["code_system"])
    oid = place.column(below["code_system_oid"])
    tested = [f"core.normal_key(o.{one}) in ({keys})" for one in (name, oid) if one]
    main = f"case when {' or '.join(tested) or 'false'} then o.{code} end"
    if not alt:
        return main
    same = " and ".join(f"a.{key} = o.{key}" for key in place.table.key)
    return (
        f"coalesce({main}, (select min(a.code) from {alt} as a where {same} and "
        f"(core.normal_key(a.code_system_name) in ({keys}) "
        f"or core.normal_key(a.code_system) in ({keys}))))"
    )


def _first_of(
    place: Mention, array: str, leaf: str, tables: frozenset[str], reads: set[str]
) -> str:
    """A leaf of the first element of an array below."""
    table = place.array(array)
    if table is None or table.qualified_name not in tables:
        return "null"
    wanted = f"{place.path}.{array}.{leaf}"
    column = next((c.name for c in table.columns if c.path == wanted), "")
    if not column:
        return "null"
    reads.add(table.qualified_name)
    same = " and ".join(f"a.{key} = o.{key}" for key in place.table.key)
    return (
        f"(select arg_min(a.{column}, a.{table.ordinals[-1]}) from {table.qualified_name} as a "
        f"where {same})"
    )
