"""What a real load makes of the manual's payloads, message by message, in the manual's sections.

All payloads are loaded together, as records of one webhook segment, into one home; those that are
files come after them, each in a load of its own. Rows are told apart by message id, counts by their
group: every message has a day, source or event of its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from etl.framing.frames import NO_TIME
from etl.framing.segments import MAGIC, encode_record
from etl.pipeline.load import load_paths
from etl.sections import LoadSettings, ValueSettings
from etl.settings import read_settings
from etl.warehouse.connection import open_warehouse
from etl.warehouse.rebuild import rebuild_messages
from models.catalog import Catalog
from models.tables.plan import ROOT_COLUMNS, plan_tables
from tests.golden.manual import Case, Delivery
from tests.reference.compare import differences
from tests.reference.json_text import NotJson, Object, parse, plain

LIMITS = LoadSettings(max_message_bytes=4096, max_depth=16)
LIMITS_OF_FILES = LoadSettings(max_message_bytes=4096, max_depth=16, max_small_items=3)
NULLED = ValueSettings(fields={"Visit.Guarantor.Sex": "null"})
OF_THE_LEDGER = frozenset(
    {"message_id", "load_id", "object_id", "item", "content_hash", "received_at"}
)
BESIDE = {"forms": "core.received_form", "unplaced": "core.unplaced_value",
          "extensions": "core.extension", "findings": "quality.finding"}  # fmt: skip
OF_EVERY_MESSAGE = ("Meta", "Meta.DataModel", "Meta.EventType")
GROUP = ("day", "source_id", "facility_code", "data_model", "event_type", "is_test")
Row = dict[str, Any]
Result = dict[str, Any]


@dataclass
class Loaded:
    """The loaded manual: what came of each payload, in order of the payloads."""

    results: list[Result]
    rebuild_faults: dict[int, list[str]]
    landed_at: datetime


def load_manual(cases: Sequence[Case], *, folder: Path, catalog: Catalog) -> Loaded:
    """Load all payloads of the cases, and after them those that are files."""
    deliveries = [delivery for case in cases for delivery in case.deliveries]
    settings = read_settings(folder / "home", load=LIMITS, values=NULLED)
    segment = folder / "manual.seg"
    segment.write_bytes(MAGIC + b"".join(map(_record, deliveries)))
    load_paths(settings, [str(segment)])
    files = {
        item: _load_file(folder, delivery.body)
        for item, delivery in enumerate(deliveries) if delivery.is_file
    }  # fmt: skip
    with open_warehouse(settings.warehouse_path, read_only=True) as connection:
        reading = Reading(connection, catalog)
        results = [files.get(item) or reading.result(item) for item in range(len(deliveries))]
        faults = _rebuild_faults(connection, catalog, reading.ids, deliveries)
        landed = connection.execute("select landed_at from core.landed_object").fetchall()
    return Loaded(results, faults, landed[0][0])


def _load_file(folder: Path, body: bytes) -> Result:
    """Load a payload as a file of its own into a home of its own; return what came of its items."""
    settings = read_settings(folder / "home of files", load=LIMITS_OF_FILES)
    path = folder / "payload.json"
    path.write_bytes(body)
    load_id = load_paths(settings, [str(path)]).load_ids[-1]
    with open_warehouse(settings.warehouse_path, read_only=True) as connection:
        items = connection.execute(
            "select item, 'loaded' from core.message where load_id = ? union all "
            "select item, reason from core.quarantine where load_id = ? order by 1",
            [load_id, load_id],
        ).fetchall()
    return {"outcome": "file", "items": [outcome for _, outcome in items]}


def _record(delivery: Delivery) -> bytes:
    at = delivery.received_at
    return encode_record(NO_TIME if at is None else int(at.timestamp() * 1e6), delivery.body)


class Reading:
    """Reads a loaded home once; what is empty or null in a table is left out of a result."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, catalog: Catalog) -> None:
        self._connection = connection
        self._severity = {rule.code: rule.severity.value for rule in catalog.rules.values()}
        self.ids = dict(self._query("select item, message_id from core.message"))
        self._quarantined = dict(self._query("select item, reason from core.quarantine"))
        self._rows: dict[int, dict[str, list[Row]]] = defaultdict(dict)
        for table in self._tables_with("message_id"):
            self._take_rows(table)
        self._counts = self._counts_by_message()

    def result(self, item: int) -> Result:
        """What came of the item, by section of the manual."""
        if item in self._quarantined:
            return {"outcome": "quarantined", "reason": self._quarantined[item]}
        if item not in self.ids:
            return {"outcome": "duplicate"}
        message_id = self.ids[item]
        rows = dict(self._rows[message_id])
        found = {section: rows.pop(table, []) for section, table in BESIDE.items()}
        counts = self._counts[message_id]
        return {"outcome": "loaded", "rows": rows} | found | counts

    def _query(self, query: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(query).fetchall()

    def _tables_with(self, column: str) -> Iterable[str]:
        found = self._query(
            "select schema_name || '.' || table_name from duckdb_columns() "
            f"where column_name = '{column}' and not internal order by 1"
        )
        return [name for (name,) in found]

    def _dicts(self, query: str) -> list[Row]:
        cursor = self._connection.execute(query)
        names = [column[0] for column in cursor.description or ()]
        return [{name: value for name, value in zip(names, row, strict=True) if value is not None}
                for row in cursor.fetchall()]  # fmt: skip

    def _take_rows(self, table: str) -> None:
        hidden = OF_THE_LEDGER - {"message_id"}
        if table == "quality.finding":
            hidden |= {"severity", "data_model", "event_type", "source_id", "day"}
        for row in self._dicts(f"select * from {table}"):
            own = {k: v for k, v in row.items() if k not in hidden and v not in ("", [])}
            self._rows[own.pop("message_id")].setdefault(table, []).append(own)

    def _counts_by_message(self) -> dict[int, Result]:
        """Counts of each message, found by its group, which must be its own."""
        groups = self._groups()
        owners = Counter(groups.values())
        shared = sorted(item for item, own in groups.items() if owners[own] > 1)
        assert not shared, f"messages {shared} share a group of counts: name another source"
        by_group: dict[tuple[Any, ...], Result] = {
            group: {"group": dict(zip(GROUP, group, strict=True)), "counts": {},
                    "finding_counts": {}, "unsupported": []}
            for group in groups.values()
        }  # fmt: skip
        keys = ", ".join(GROUP)
        for *group, messages in self._query(f"select {keys}, messages from quality.message_count"):
            by_group[tuple(group)]["messages"] = messages
        for *group, path, messages, elements in self._query(
            f"select {keys}, path, messages, elements from quality.path_count"
        ):
            by_group[tuple(group)]["counts"][path] = _of_one_message(elements, messages)
        for *group, rule, path, severity, findings, messages in self._query(
            f"select {keys}, rule, path, severity, findings, messages from quality.finding_count"
        ):
            is_known = severity == self._severity[rule]
            by_group[tuple(group)]["finding_counts"][f"{rule} {path}".rstrip()] = _of_one_message(
                findings if is_known else f"{findings} as {severity}", messages
            )
        results = {message_id: by_group[group] for message_id, group in groups.items()}
        for row in self._dicts(
            "select first_message_id, path, value, first_ordinals, value_set, suggestion, findings "
            "from quality.unsupported_value"
        ):
            own = {key: value for key, value in row.items() if value not in ("", [])}
            results[own.pop("first_message_id")]["unsupported"].append(own)
        return results

    def _groups(self) -> dict[int, tuple[Any, ...]]:
        """The group of counts of each message, by the columns of core.message."""
        found = self._query(
            "select message_id, cast(coalesce(event_at, m.received_at, o.landed_at) as date), "
            "coalesce(source_id, ''), coalesce(facility_code, ''), data_model, "
            "coalesce(m.read_as, event_type, ''), coalesce(is_test, false) "
            "from core.message m join core.landed_object o using (object_id)"
        )
        return {message_id: tuple(group) for message_id, *group in found}


def _of_one_message(count: Any, messages: int) -> Any:
    """A count of a group of one message; pages never state what this gives for others."""
    return count if messages == 1 else f"{count} in {messages} messages"


def _rebuild_faults(
    connection: duckdb.DuckDBPyConnection,
    catalog: Catalog,
    ids: dict[int, int],
    deliveries: Sequence[Delivery],
) -> dict[int, list[str]]:
    """By item, where the payload given back from the tables differs from the received one."""
    rebuilt = rebuild_messages(connection, plan_tables(catalog), list(ids.values()))
    return {
        item: differences(parse(deliveries[item].body), parse(rebuilt[message_id].encode()))
        for item, message_id in ids.items()
    }


def expected_result(delivery: Delivery, catalog: Catalog, *, landed_at: datetime) -> Result:
    """The whole result that a page states, with what its README says every message has."""
    stated = delivery.expected
    if delivery.is_file:
        return {"outcome": "file", "items": stated["items"]}
    outcome = stated.get("outcome", "quarantined" if "reason" in stated else "loaded")
    if outcome != "loaded":
        return {"outcome": outcome} | {k: stated[k] for k in ("reason",) if k in stated}
    rows = _expected_rows(delivery.body, stated.get("rows", {}), catalog)
    core = rows["core.message"][0]
    severity = {rule.code: rule.severity.value for rule in catalog.rules.values()}
    findings = stated.get("findings", [])
    counted = Counter(f"{f['rule']} {f.get('path', '')}".rstrip() for f in findings)
    received = delivery.received_at or landed_at
    group = {"day": _day(core.get("event_at", received)), "source_id": core.get("source_id", ""),
             "facility_code": core.get("facility_code", ""), "data_model": core["data_model"],
             "event_type": core.get("event_type", ""), "is_test": core.get("is_test", False)}  # fmt: skip
    counts = dict.fromkeys(OF_EVERY_MESSAGE, 1) | stated.get("counts", {})
    return {
        "outcome": outcome,
        "rows": rows,
        "findings": [f for f in findings if severity[f["rule"]] != "info"],
        "finding_counts": dict(counted),
        "counts": {path: count for path, count in counts.items() if count is not None},
        "group": group | stated.get("group", {}),
        "messages": 1,
    } | {name: stated.get(name, []) for name in ("forms", "unplaced", "extensions", "unsupported")}


def _expected_rows(body: bytes, stated: dict[str, Any], catalog: Catalog) -> dict[str, list[Row]]:
    rows = {table: own if isinstance(own, list) else [own] for table, own in stated.items()}
    meta = _meta(body)
    core = meta | _only(rows.get("core.message", []))
    schema = catalog.data_models[core["data_model"]].schema
    repeated = {name: core[name] for name, _, _ in ROOT_COLUMNS if name in core}
    root = repeated | _only(rows.get(f"{schema}.message", []))
    rows |= {"core.message": [core], f"{schema}.message": [root]}
    return {table: [{k: v for k, v in row.items() if v is not None} for row in own]
            for table, own in rows.items()}  # fmt: skip


def _meta(body: bytes) -> Row:
    """The columns of a payload's data model and event type, where they are texts."""
    try:
        payload = parse(body)
    except NotJson:
        return {}
    meta = payload.get("Meta") if isinstance(payload, Object) else None
    named = {"data_model": "DataModel", "event_type": "EventType"}
    own = (
        {column: meta.get(key) for column, key in named.items()} if isinstance(meta, Object) else {}
    )
    return {column: value for column, value in own.items() if isinstance(value, str) and value}


def _only(rows: list[Row]) -> Row:
    assert len(rows) <= 1, "a message has one row in a root table"
    return rows[0] if rows else {}


def _day(at: Any) -> date:
    return at.astimezone(UTC).date() if isinstance(at, datetime) else at


def comparable(value: Any) -> Any:
    """A result in a form in which equal means equal: types kept apart, lists of rows in any order."""
    if isinstance(value, dict):
        return {key: comparable(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        items = [comparable(inner) for inner in value]
        return sorted(items, key=repr) if items and isinstance(items[0], dict) else items
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float | Decimal):
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        return ("number", plain(number))
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value
