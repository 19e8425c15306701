"""What a commit leaves behind for those who ask how it goes without opening the warehouse.

`status.json` is rewritten atomically with every commit; `status`, `doctor` and the sensor read it.
It holds counts and names of the catalog and of sources, never a value of a payload.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from etl.atomic import replacing
from etl.errors import PermanentError
from etl.report.names import SOURCE_SQL
from etl.report.source_names import read_source_names
from etl.settings import Settings
from etl.warehouse.ledger import next_message_id

_TOTALS = """
select count(*), coalesce(sum(bytes) filter (kind = 'load'), 0), coalesce(sum(received), 0),
       coalesce(sum(loaded), 0), coalesce(sum(duplicate), 0), max(finished_at),
       coalesce(sum(purged), 0)
from core.load
"""
_OPEN_QUARANTINE = """
select reason, count(*) from core.quarantine where state = 'open' group by reason order by 2 desc, 1
"""
_NOT_LOADED = "select count(*) from core.quarantine where state not in ('replayed', 'purged')"
_MODELS = """
select data_model, sum(messages), min(day), max(day)
from quality.message_count group by data_model order by 2 desc, 1
"""
_SOURCES = f"""
select {SOURCE_SQL} as source, sum(messages), min(day), max(day)
from quality.message_count group by source order by 2 desc, 1 limit 100
"""
_FINDINGS = """
select severity, rule, sum(findings), sum(messages)
from quality.finding_count group by severity, rule
order by list_position(['error', 'warning', 'info'], severity), 3 desc, 2
"""
# the newest messages name the sources: a scan of them all would make every commit wait
_NAMING_MESSAGES = 200_000
_LOADS = """
select load_id, kind, started_at, finished_at, bytes, received, replayed, loaded, duplicate, quarantined,
       coalesce(purged, 0)
from core.load order by load_id desc limit 20
"""


def write_status(connection: duckdb.DuckDBPyConnection, settings: Settings, now: datetime) -> None:
    """Rewrite status.json from the ledger."""
    status = collect_status(connection, now)
    _name_sources(status, connection, settings.status_path)
    with replacing(settings.status_path) as file:
        file.write(json.dumps(status, indent=1).encode())


def read_status(path: Path) -> dict[str, Any] | None:
    """The status of the last commit, None before the first; raises PermanentError when damaged."""
    if not path.is_file():
        return None
    try:
        status: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError:
        raise PermanentError(
            f"{path.name} is damaged; delete it: the next load writes it again from the warehouse."
        ) from None
    return status


def read_named_sources(path: Path) -> dict[str, str]:
    """The names of sources by their ids, as the last commit knew them; those without are left out."""
    try:
        sources = (read_status(path) or {}).get("sources", [])
    except PermanentError:
        return {}
    return {one["source_id"]: one["source_name"] for one in sources if one.get("source_name")}


def collect_status(connection: duckdb.DuckDBPyConnection, now: datetime) -> dict[str, Any]:
    """Ask the ledger and the counts."""
    loads, size_bytes, received, loaded, duplicate, last, purged = _rows(connection, _TOTALS)[0]
    quarantine = {reason: int(count) for reason, count in _rows(connection, _OPEN_QUARANTINE)}
    return {
        "written_at": now.isoformat(),
        "loads": int(loads),
        "next_message_id": next_message_id(connection),
        "bytes": int(size_bytes),
        "last_load_at": last.isoformat() if last else None,
        "messages": {
            "received": int(received),
            "loaded": int(loaded),
            "duplicate": int(duplicate),
            "quarantined": int(_rows(connection, _NOT_LOADED)[0][0]),
            "purged": int(purged),
        },
        "objects": int(_rows(connection, "select count(*) from core.landed_object")[0][0]),
        "quarantine": quarantine,
        "models": _groups(connection, _MODELS, "data_model"),
        "sources": _groups(connection, _SOURCES, "source_id"),
        "findings": [
            {"severity": s, "rule": r, "findings": int(f), "messages": int(m)}
            for s, r, f, m in _rows(connection, _FINDINGS)
        ],
        "recent_loads": [_load(row) for row in _rows(connection, _LOADS)],
    }


def _groups(connection: duckdb.DuckDBPyConnection, query: str, name: str) -> list[dict[str, Any]]:
    return [
        {name: group, "messages": int(messages), "first_day": str(first), "last_day": str(last)}
        for group, messages, first, last in _rows(connection, query)
    ]


def _name_sources(
    status: dict[str, Any], connection: duckdb.DuckDBPyConnection, path: Path
) -> None:
    """Add the sources' names: those that the newest messages carry, else those known before."""
    known = read_named_sources(path)
    known |= read_source_names(connection, newest=_NAMING_MESSAGES)
    for one in status["sources"]:
        one["source_name"] = known.get(one["source_id"], "")


def _load(row: tuple[Any, ...]) -> dict[str, Any]:
    names = (
        "load_id",
        "kind",
        "started_at",
        "finished_at",
        "bytes",
        "received",
        "replayed",
        "loaded",
        "duplicate",
        "quarantined",
        "purged",
    )
    values = [value.isoformat() if isinstance(value, datetime) else value for value in row]
    return dict(zip(names, values, strict=True))


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()
