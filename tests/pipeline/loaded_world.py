"""A loaded warehouse beside what the independent reference says of the same files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from etl.pipeline.load import load_paths
from etl.pipeline.records import LoadSummary
from etl.settings import Settings
from etl.synth import Dials, write_synthetic
from etl.warehouse.connection import open_warehouse
from etl.warehouse.rebuild import rebuild_messages
from models.catalog import Catalog
from models.tables.plan import plan_tables
from tests.reference.compare import differences
from tests.reference.json_text import Value, parse
from tests.reference.payload_files import items
from tests.reference.population import Replies, Reply, as_listed, recount


class World:
    """Synthetic files, their truth, and the warehouse they were loaded into."""

    def __init__(self, folder: Path, catalog: Catalog, settings: Settings, dials: Dials) -> None:
        self.catalog = catalog
        self.settings = settings
        self.written = write_synthetic(
            folder / "messages", catalog=catalog, dials=dials, truth=folder / "truth"
        )
        lines = (folder / "truth" / "messages.jsonl").read_text("utf-8").splitlines()
        self.truth: list[dict[str, Any]] = [json.loads(line) for line in lines]
        self.payloads = [item.payload for item in items(self.written.files)]

    def load(self) -> LoadSummary:
        return load_paths(self.settings, [str(self.written.files[0].parent)])

    @contextmanager
    def warehouse(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with open_warehouse(self.settings.warehouse_path, read_only=True) as connection:
            yield connection

    def loaded_payloads(self) -> list[Value]:
        return [
            payload
            for payload, line in zip(self.payloads, self.truth, strict=True)
            if line["outcome"] == "loaded"
        ]

    def rebuild_faults(self) -> list[str]:
        """Differences between every loaded message rebuilt and its payload; [] is the promise."""
        with self.warehouse() as connection:
            rows = connection.execute(
                "select message_id from core.message order by message_id"
            ).fetchall()
            ids = [row[0] for row in rows]
            rebuilt = rebuild_messages(connection, plan_tables(self.catalog), ids)
        expected = self.loaded_payloads()
        if len(expected) != len(ids):
            return [f"{len(ids)} messages are loaded, {len(expected)} should be"]
        return [
            f"message {message_id}: {difference}"
            for message_id, payload in zip(ids, expected, strict=True)
            for difference in differences(payload, parse(rebuilt[message_id].encode()))
        ]

    def population_faults(self) -> list[str]:
        """Differences between the stored counts and a plain recount of the payloads."""
        listed = {name: {f.path for f in fields} for name, fields in self.catalog.fields.items()}
        with self.warehouse() as connection:
            ((landed_on,),) = connection.execute(
                "select distinct cast(cast(timezone('UTC', landed_at) as date) as varchar) "
                "from core.landed_object"
            ).fetchall()
        wanted = recount(
            (
                as_listed(payload, listed[payload.get("Meta", "DataModel")])  # type: ignore[union-attr, index]
                for payload in self.loaded_payloads()
            ),
            replies=replies_of(self.catalog),
            received_day=landed_on,
        )
        with self.warehouse() as connection:
            rows = connection.execute(
                "select cast(day as varchar), source_id, facility_code, data_model, event_type, "
                "is_test, path, sum(messages), sum(elements) from quality.path_count group by all"
            ).fetchall()
        counted = {(row[:6], row[6]): (int(row[7]), int(row[8])) for row in rows}
        expected = {
            (tuple(group), path): tuple(count) for (group, path), count in wanted.counts().items()
            if path in listed[group.data_model]
        }  # fmt: skip
        return [
            f"{key}: counted {counted.get(key)}, should be {expected.get(key)}"
            for key in sorted(counted.keys() | expected.keys())
            if counted.get(key) != expected.get(key)
        ]

    def outcomes(self) -> Counter[str]:
        return Counter(line["outcome"] for line in self.truth)


def replies_of(catalog: Catalog) -> Replies:
    """By data model and query: the reply, and the values outside Meta that only one of them lists."""
    found = {}
    for model in catalog.data_models.values():
        values = [
            field
            for field in catalog.fields[model.name]
            if "object" not in (field.json_type, field.item_type)
            and not field.path.startswith("Meta.")
        ]
        for event in model.event_types:
            asked = {field.path for field in values if event.event_type in field.event_types}
            told = {field.path for field in values if event.reply in field.event_types}
            if event.reply:
                pair = (frozenset(told - asked), frozenset(asked - told))
                found[model.name, event.event_type] = Reply(event.reply, *pair)
    return found
