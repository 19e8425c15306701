"""The kernel: landed items in, staged rows, findings and counts out. Never opens the warehouse.

A share is a run of items that one process flattens. Messages are gathered by shape until a batch is
worth parsing; each batch goes through parse, walk, coerce, check, count and is staged per table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from etl.check.temporal_columns import coerce_times
from etl.check.value_sets import ValueSetChecker
from etl.conform.conformer import PutAside
from etl.conform.judge import Judge
from etl.flatten.columns import list_layout, without_empty
from etl.flatten.parse import ParseRefused, one_line, parse_messages
from etl.flatten.walk import Rows, walk_batch
from etl.pipeline.observe import BatchObserver
from etl.pipeline.side_rows import SideRows
from etl.pipeline.staging import StagedTable, Staging
from etl.population.counts import PopulationCounts
from etl.population.groups import Groups, MessageFacts
from etl.records import Finding
from models.catalog.records import Catalog, Temporal
from models.compile.arrow_types import parse_schema
from models.compile.shapes import Shape
from models.tables.plan import META, Table, WarehousePlan

Integers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
BATCH_BYTES = 8 * 2**20
GATHERED_BYTES = 64 * 2**20
ShapeKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class LoadableMessage:
    """A message that will be stored; `line` conforms to `shape`, `aside` is None when it fitted.

    `paths` counts its populated paths where its columns would not tell all of them.
    """

    message_id: int
    object_id: str
    item: int
    fingerprint: bytes
    received_at_us: int | None
    fallback_day: int
    shape: ShapeKey
    line: bytes
    aside: PutAside | None
    paths: Counter[str] | None = None


@dataclass(slots=True)
class _Gathered:
    messages: list[LoadableMessage] = field(default_factory=list)
    size_bytes: int = 0


class ShareFlattener:
    """Flattens messages of any mix of shapes and stages their rows."""

    def __init__(
        self,
        catalog: Catalog,
        plan: WarehousePlan,
        judge: Judge,
        folder: Path,
        nulled: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self._catalog = catalog
        self._nulled = nulled or {}
        self._plan = plan
        self._judge = judge
        self._staging = Staging(folder)
        self._groups = Groups()
        self._counts = PopulationCounts(self._groups)
        self._side = SideRows(self._groups, dict(catalog.rules))
        self._checker = ValueSetChecker(catalog)
        self._gathered: dict[ShapeKey, _Gathered] = {}
        self._gathered_bytes = 0
        self.refused: list[int] = []
        self._schemas: dict[ShapeKey, pa.Schema] = {}
        self._listing: dict[str, dict[str, frozenset[str]]] = {}

    def add(self, message: LoadableMessage) -> None:
        """Take one message; batches are flattened as they fill."""
        gathered = self._gathered.setdefault(message.shape, _Gathered())
        gathered.messages.append(message)
        gathered.size_bytes += len(message.line)
        self._gathered_bytes += len(message.line)
        if gathered.size_bytes >= BATCH_BYTES:
            self._flush(message.shape)
        elif self._gathered_bytes >= GATHERED_BYTES:
            self._flush(max(self._gathered, key=lambda key: self._gathered[key].size_bytes))

    def finish(self) -> tuple[StagedTable, ...]:
        """Flatten what is left and stage counts and findings; gives what was staged."""
        for shape in list(self._gathered):
            self._flush(shape)
        self._side.stage(self._staging)
        if len(self._groups):
            self._staging.add("quality.message_count", self._counts.message_counts())
            self._staging.add("quality.path_count", self._counts.path_counts())
        return self._staging.finish()

    def _flush(self, key: ShapeKey) -> None:
        gathered = self._gathered.pop(key)
        self._gathered_bytes -= gathered.size_bytes
        self._flatten(gathered.messages, self._judge.shapes(key[0]).variant(key[1]))

    def _flatten(self, messages: list[LoadableMessage], shape: Shape) -> None:
        key = (shape.data_model, shape.variant)
        if key not in self._schemas:
            self._schemas[key] = parse_schema(shape)
        try:
            struct = parse_messages([one_line(m.line) for m in messages], self._schemas[key])
        except ParseRefused:
            if len(messages) == 1:
                self.refused.append(messages[0].message_id)
                return
            middle = len(messages) // 2
            self._flatten(messages[:middle], shape)
            self._flatten(messages[middle:], shape)
            return
        _Batch(self, messages, struct, shape).stage()

    def known_events(self, data_model: str) -> frozenset[str]:
        """The event types of a data model."""
        return frozenset(e.event_type for e in self._catalog.data_models[data_model].event_types)

    def listed_paths(self, data_model: str) -> dict[str, frozenset[str]]:
        """The event types that list each path of a data model."""
        if data_model not in self._listing:
            listing: dict[str, frozenset[str]] = {}
            for known in self._catalog.fields[data_model]:
                listing[known.path] = listing.get(known.path, frozenset()) | known.event_types
            self._listing[data_model] = listing
        return self._listing[data_model]


class _Batch:
    """One parsed batch of one shape on its way to the staged tables."""

    def __init__(
        self,
        share: ShareFlattener,
        messages: list[LoadableMessage],
        struct: pa.StructArray,
        shape: Shape,
    ) -> None:
        self.share = share
        self.messages = messages
        self.struct = struct
        self.shape = shape
        self.ids = np.asarray([m.message_id for m in messages], dtype=np.int64)
        self.received_at = pa.array([m.received_at_us for m in messages], pa.int64()).cast(
            pa.timestamp("us", tz="UTC")
        )
        self.facts = self._facts()
        self.groups = share._groups.number(shape.data_model, self.facts)

    def _facts(self) -> MessageFacts:
        event_at = self._meta("EventDateTime", pa.string())
        event_at = coerce_times(event_at, Temporal.DATETIME).values
        fallback = pa.array([m.fallback_day for m in self.messages], pa.int32()).cast(pa.date32())
        days = pc.coalesce(event_at.cast(pa.date32()), self.received_at.cast(pa.date32()), fallback)
        return MessageFacts(
            message_id=self.ids,
            day=days,
            source_id=self._meta("Source.ID", pa.string()),
            facility_code=self._meta("FacilityCode", pa.string()),
            event_type=self._meta("EventType", pa.string()),
            is_test=self._meta("Test", pa.bool_()),
        )

    def _meta(self, path: str, kind: pa.DataType) -> pa.Array:
        """A Meta value per message, all null where the data model has no such path."""
        column: pa.Array = self.struct
        for key in (META, *path.split(".")):
            index = column.type.get_field_index(key)
            if index < 0:
                return pa.nulls(len(self.messages), kind)
            column = column.field(index)
        return column

    def stage(self) -> None:
        """Walk the batch and stage the rows of every table."""
        share = self.share
        share._counts.add_messages(self.groups)
        self._stage_side_rows()
        rows = walk_batch(self.struct, self.shape.root, self._observer())
        core, own = share._plan.core, share._plan.models[self.shape.data_model]
        root = rows.pop("")
        share._staging.add("core.message", self._core_table(core[""], root))
        share._staging.add(own[""].qualified_name, self._root_table(own[""], root))
        for path, table_rows in rows.items():
            table = core[path] if path.startswith(f"{META}.") else own[path]
            share._staging.add(table.qualified_name, self._child_table(table, table_rows))

    def _observer(self) -> BatchObserver:
        forms = {
            (m.message_id, form.path, form.ordinals)
            for m in self.messages
            if m.aside is not None
            for form in m.aside.forms
        }
        return BatchObserver(
            message_ids=self.ids,
            groups=self.groups,
            checker=self.share._checker,
            counts=self.share._counts,
            side=self.share._side,
            own_forms=forms,
            unlisted=self._unlisted_messages(),
            counted=self._counted_by_columns(),
            nulled=self.share._nulled.get(self.shape.data_model, frozenset()),
        )

    def _counted_by_columns(self) -> Mask | None:
        """The messages whose columns tell all their populated paths, None when all do."""
        hiding = [index for index, message in enumerate(self.messages) if message.paths]
        if not hiding:
            return None
        for index in hiding:
            paths = self.messages[index].paths or Counter()
            self.share._counts.add_message_paths(paths, int(self.groups[index]))
        counted = np.ones(len(self.messages), dtype=np.bool_)
        counted[hiding] = False
        return counted

    def _unlisted_messages(self) -> dict[str, Mask]:
        """For each path that not every event type present lists: the messages that do not."""
        events = np.asarray(self.facts.event_type.to_pylist(), dtype=object)
        present = frozenset(events.tolist()) & self.share.known_events(self.shape.data_model)
        masks: dict[frozenset[str], Mask] = {}
        unlisted = {}
        for path, listed in self.share.listed_paths(self.shape.data_model).items():
            missing = present - listed
            if missing:
                if missing not in masks:
                    masks[missing] = np.isin(events, list(missing))
                unlisted[path] = masks[missing]
        return unlisted

    def _stage_side_rows(self) -> None:
        known = self.share.known_events(self.shape.data_model)
        events = self.facts.event_type.to_pylist()
        for message, group, event in zip(self.messages, self.groups.tolist(), events, strict=True):
            if message.aside is not None:
                self.share._side.add_put_aside(message.message_id, group, message.aside)
            if event not in known:
                unlisted = [Finding("event_type_unlisted", "Meta.EventType")]
                self.share._side.add_findings(message.message_id, group, unlisted)

    def _core_table(self, table: Table, root: Rows) -> pa.Table:
        columns = {
            "message_id": pa.array(self.ids),
            "object_id": pa.array([m.object_id for m in self.messages], pa.string()),
            "item": pa.array([m.item for m in self.messages], pa.int64()),
            "content_hash": pa.array([m.fingerprint.hex() for m in self.messages], pa.string()),
            "received_at": self.received_at,
            "log_id": self._log_ids(),
        }
        return pa.table(columns | _columns_of(table, root))

    def _log_ids(self) -> pa.Array:
        """The first non-empty Meta.Logs[].ID of each message."""
        count = len(self.messages)
        logs = self._meta("Logs", pa.null())
        if logs.null_count == count:
            return pa.nulls(count, pa.string())
        items, lengths = list_layout(logs)
        index = items.type.get_field_index("ID")
        ids, mask = without_empty(items.field(index)) if index >= 0 else (items, None)
        if mask is None:
            return pa.nulls(count, pa.string())
        filled = np.flatnonzero(mask)
        message = np.repeat(np.arange(count, dtype=np.int64), lengths)[filled]
        owners, first = np.unique(message, return_index=True)
        position = np.full(count, -1, dtype=np.int64)
        position[owners] = filled[first]
        return ids.take(pa.array(position, mask=position < 0))

    def _root_table(self, table: Table, root: Rows) -> pa.Table:
        facts = self.facts
        columns = {
            "message_id": pa.array(self.ids),
            "event_type": _without_empty(facts.event_type),
            "event_at": root.columns.get(f"{META}.EventDateTime"),
            "received_at": self.received_at,
            "source_id": _without_empty(facts.source_id),
            "facility_code": _without_empty(facts.facility_code),
            "is_test": facts.is_test,
        }
        present = {name: column for name, column in columns.items() if column is not None}
        return pa.table(present | _columns_of(table, root))

    def _child_table(self, table: Table, rows: Rows) -> pa.Table:
        columns = {"message_id": pa.array(self.ids[rows.grain.message])}
        for name, ordinal in zip(table.ordinals, rows.grain.ordinals, strict=True):
            columns[name] = pa.array(ordinal.astype(np.int32))
        result = pa.table(columns | _columns_of(table, rows))
        return result if rows.kept is None else result.filter(pa.array(rows.kept))


def _columns_of(table: Table, rows: Rows) -> dict[str, pa.Array]:
    """The table's populated columns by name."""
    return {
        column.name: rows.columns[column.path]
        for column in table.columns
        if column.path in rows.columns
    }


def _without_empty(column: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(column, ""), None, column)
