"""One batch: parsed messages of one shape become staged rows, findings and counts.

How messages come to be batches is the share's (`etl.pipeline.share`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from etl.check.plausibility import check_plausibility
from etl.check.replies import REPLY_UNDER_QUERY, ReplyReader
from etl.check.temporal_columns import coerce_times
from etl.check.value_sets import ValueSetChecker
from etl.conform.conformer import PutAside
from etl.flatten.columns import list_layout, without_empty
from etl.flatten.walk import Rows, walk_batch
from etl.pipeline.observe import BatchObserver
from etl.pipeline.side_rows import SideRows
from etl.pipeline.staging import StagedTable, Staging
from etl.population.counts import PopulationCounts
from etl.population.groups import Groups, MessageFacts
from etl.records import Finding
from models.catalog.meta_fields import META
from models.catalog.records import Catalog, Temporal
from models.compile.plausibility import PlausibilityCheck, compile_plausibility
from models.compile.shapes import Shape
from models.tables.plan import Table, WarehousePlan

Mask = npt.NDArray[np.bool_]
ShapeKey = tuple[str, int]


@dataclass(slots=True)
class LoadableMessage:
    """A message that will be stored; `line` conforms to `shape`, `aside` is None when it fitted.

    `paths` counts its populated paths where its columns would not tell all of them. Not frozen:
    there is one for every message, and a frozen one takes three times as long to make.
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


class ShareRows:
    """Where all batches of a share leave their rows, findings and counts."""

    def __init__(
        self,
        catalog: Catalog,
        plan: WarehousePlan,
        folder: Path,
        nulled: Mapping[str, frozenset[str]],
    ) -> None:
        self.plan = plan
        self.nulled = nulled
        self.staging = Staging(folder)
        self.groups = Groups()
        self.counts = PopulationCounts(self.groups)
        self.side = SideRows(self.groups, dict(catalog.rules))
        self.checker = ValueSetChecker(catalog)
        self.replies = ReplyReader(catalog)
        self._catalog = catalog
        self._listing: dict[str, dict[str, frozenset[str]]] = {}
        self._plausibility: dict[str, tuple[PlausibilityCheck, ...]] = {}

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

    def plausibility(self, data_model: str) -> tuple[PlausibilityCheck, ...]:
        """The comparisons of values that a data model's messages must stand."""
        if data_model not in self._plausibility:
            checks = compile_plausibility(self._catalog, self.plan, data_model)
            self._plausibility[data_model] = checks
        return self._plausibility[data_model]

    def finish(self) -> tuple[StagedTable, ...]:
        """Stage counts and findings; gives what was staged."""
        self.side.stage(self.staging)
        if len(self.groups):
            self.staging.add("quality.message_count", self.counts.message_counts())
            self.staging.add("quality.path_count", self.counts.path_counts())
        return self.staging.finish()


class Batch:
    """One parsed batch of one shape on its way to the staged tables."""

    def __init__(
        self,
        share: ShareRows,
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
        self.received_events = self._meta("EventType", pa.string())
        self.facts = self._facts()
        self.groups = share.groups.number(shape.data_model, self.facts)

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
            event_type=self.share.replies.read_events(
                self.shape.data_model, self.received_events, self.struct, self.shape.root
            ),
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
        share.counts.add_messages(self.groups)
        self._stage_side_rows()
        rows = walk_batch(self.struct, self.shape.root, self._observer())
        core, own = share.plan.core, share.plan.models[self.shape.data_model]
        root = rows.pop("")
        tables = {
            "core.message": self._core_table(core[""], root),
            own[""].qualified_name: self._root_table(own[""], root),
        }
        for path, table_rows in rows.items():
            table = core[path] if path.startswith(f"{META}.") else own[path]
            tables[table.qualified_name] = self._child_table(table, table_rows)
        for name, filled in tables.items():
            share.staging.add(name, filled)
        self._note_implausible(tables)

    def _note_implausible(self, tables: Mapping[str, pa.Table]) -> None:
        for found in check_plausibility(tables, self.share.plausibility(self.shape.data_model)):
            self.share.side.add_many(
                found.rule,
                found.path,
                message_ids=found.message_id,
                groups=self.groups[np.searchsorted(self.ids, found.message_id)],
                ordinals=found.ordinals,
            )

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
            checker=self.share.checker,
            counts=self.share.counts,
            side=self.share.side,
            own_forms=forms,
            unlisted=self._unlisted_messages(),
            counted=self._counted_by_columns(),
            nulled=self.share.nulled.get(self.shape.data_model, frozenset()),
        )

    def _counted_by_columns(self) -> Mask | None:
        """The messages whose columns tell all their populated paths, None when all do."""
        hiding = [index for index, message in enumerate(self.messages) if message.paths]
        if not hiding:
            return None
        for index in hiding:
            paths = self.messages[index].paths or Counter()
            self.share.counts.add_message_paths(paths, int(self.groups[index]))
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
        events, received = self.facts.event_type.to_pylist(), self.received_events.to_pylist()
        for message, group, event, came in zip(
            self.messages, self.groups.tolist(), events, received, strict=True
        ):
            if message.aside is not None:
                self.share.side.add_put_aside(message.message_id, group, message.aside)
            if event not in known:
                unlisted = [Finding("event_type_unlisted", "Meta.EventType")]
                self.share.side.add_findings(message.message_id, group, unlisted)
            if event != came:
                reply = [Finding(REPLY_UNDER_QUERY, "Meta.EventType")]
                self.share.side.add_findings(message.message_id, group, reply)

    def _core_table(self, table: Table, root: Rows) -> pa.Table:
        columns = {
            "message_id": pa.array(self.ids),
            "object_id": pa.array([m.object_id for m in self.messages], pa.string()),
            "item": pa.array([m.item for m in self.messages], pa.int64()),
            "content_hash": pa.array([m.fingerprint.hex() for m in self.messages], pa.string()),
            "received_at": self.received_at,
            "log_id": self._log_ids(),
            "read_as": self._read_as(),
        }
        return pa.table(columns | _columns_of(table, root))

    def _read_as(self) -> pa.Array:
        """The event type a message was read as where that is not the received one, else null."""
        events = self.facts.event_type
        if events is self.received_events:
            return pa.nulls(len(events), pa.string())
        return pc.if_else(pc.equal(events, self.received_events), None, events)

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
