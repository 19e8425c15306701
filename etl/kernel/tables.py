"""One batch: messages that were read by one program become rows of every table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from etl.check.plausibility import check_plausibility
from etl.check.replies import REPLY_UNDER_QUERY
from etl.check.temporal_columns import coerce_times
from etl.conform.conformer import PutAside, put_extensions_aside
from etl.conform.exact_json import parse_exact
from etl.conform.plain_extensions import put_plain_extensions
from etl.kernel._reader import Columns
from etl.kernel.columns import integers, renamed, without_empty
from etl.kernel.compiled import Compiled
from etl.kernel.observe import Grain, LeafChecks, Place
from etl.kernel.program import LOG_IDS, ShapeProgram
from etl.kernel.side import MESSAGE_NO, Numbers, Side
from etl.records import Finding
from models.catalog.meta_fields import META
from models.catalog.records import Temporal
from models.tables.naming import enclosing_array
from models.tables.plan import Table

INSTANT = pa.timestamp("us", tz="UTC")
Leaves = Sequence[Mapping[str, pa.Array]]
"""The stored columns of each grain by path."""
NO_TIME = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """What decides a message's group, one value per message of a batch that fits.

    `message` is its number in the unit, `day` date32 without nulls; the texts may be null, which
    counts as "".
    """

    message: Numbers
    day: pa.Array
    source_id: pa.Array
    facility_code: pa.Array
    event_type: pa.Array
    is_test: pa.Array


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages of one shape. `items` are the numbers, in the unit, of the messages it was read
    from; `columns` count them; `hidden` counts by itself what columns would not show."""

    program: ShapeProgram
    items: Numbers
    columns: Columns
    facts: MessageFacts
    tables: Mapping[str, pa.Table]
    hidden: Mapping[int, Counter[str]]


@dataclass(frozen=True, slots=True)
class BatchSource:
    """What a batch is made from: the bytes it was read from, arrival times of the unit's items in
    microseconds UTC or NO_TIME, and the days of those without either."""

    content: memoryview
    received_at_us: npt.NDArray[np.int64]
    fallback_day: Numbers


class BatchTables:
    """Lays out one batch."""

    def __init__(
        self,
        compiled: Compiled,
        program: ShapeProgram,
        columns: Columns,
        items: Numbers,
        source: BatchSource,
        side: Side,
        own_forms: frozenset[Place] = frozenset(),
    ) -> None:
        self.compiled = compiled
        self.program = program
        self.columns = columns
        self.items = items
        self.source = source
        self.side = side
        self.own_forms = own_forms
        self.grains = [self._grain(grain) for grain in range(len(program.grains))]
        times = source.received_at_us[self.grains[0].message]
        self.received_at = pa.array(times, mask=times == NO_TIME).cast(INSTANT)

    def _grain(self, number: int) -> Grain:
        message = self.items[self.columns.messages(number)]
        return Grain(message, self.columns.ordinals(number))

    def batch(self, hidden: Mapping[int, Counter[str]]) -> Batch:
        """The batch's tables; what is beside them goes to the unit's side."""
        leaves = self._leaves()
        facts = self._facts(leaves)
        received_events = self._received_events(leaves)
        self._keep_extensions()
        self._note_events(facts, received_events)
        tables = dict(self._tables(leaves, facts, received_events))
        self._note_implausible(tables)
        return Batch(self.program, self.items, self.columns, facts, tables, hidden)

    def _leaves(self) -> Leaves:
        """The stored columns of each grain by path."""
        model = self.program.shape.data_model
        nulled = self.compiled.nulled.get(model, frozenset())
        checks = LeafChecks(self.compiled.checker, self.side, self.own_forms, nulled)
        leaves: list[dict[str, pa.Array]] = [{} for _ in self.grains]
        for number in self.columns.populated():
            node, grain = self.program.nodes[number], self.program.grain_of[number]
            column = self.columns.leaf(number)
            leaves[grain][node.path] = checks.check(node, column, self.grains[grain])
        return leaves

    def _received_events(self, leaves: Leaves) -> pa.Array:
        none = pa.nulls(len(self.grains[0].message), pa.string())
        return leaves[0].get(f"{META}.EventType", none)

    def _facts(self, leaves: Leaves) -> MessageFacts:
        root, count = leaves[0], len(self.grains[0].message)
        none = pa.nulls(count, pa.string())
        event_at = root.get(f"{META}.EventDateTime", pa.nulls(count, INSTANT))
        if pa.types.is_string(event_at.type):
            event_at = coerce_times(event_at, Temporal.DATETIME).values
        days = self.source.fallback_day[self.grains[0].message]
        fallback = integers(days).cast(pa.date32())
        received_day = self.received_at.cast(pa.date32())
        return MessageFacts(
            message=self.grains[0].message,
            day=pc.coalesce(event_at.cast(pa.date32()), received_day, fallback),
            source_id=root.get(f"{META}.Source.ID", none),
            facility_code=root.get(f"{META}.FacilityCode", none),
            event_type=self.compiled.replies.read_events(
                self.program.shape.data_model,
                self._received_events(leaves),
                self._count_populated,
            ),
            is_test=root.get(f"{META}.Test", pa.nulls(count, pa.bool_())),
        )

    def _count_populated(self, paths: Set[str]) -> npt.NDArray[np.int64]:
        """How many of the paths each message has populated."""
        nodes = self.program.nodes
        wanted = np.fromiter((node.path in paths for node in nodes), np.uint8, len(nodes))
        return self.columns.count_values(wanted)[self.columns.messages(0)]

    def _keep_extensions(self) -> None:
        """Keep the extensions of messages that fit but for them."""
        asides: dict[int, PutAside] = {}
        depth = self.compiled.limits.max_depth
        for number, row, start, size in self.columns.free_values():
            node, grain = self.program.nodes[number], self.grains[self.program.grain_of[number]]
            raw = bytes(self.source.content[start : start + size])
            ordinals = tuple(int(ordinal[row]) for ordinal in grain.ordinals)
            aside = asides.setdefault(int(grain.message[row]), PutAside())
            if not put_plain_extensions(raw, node.path, ordinals, aside, max_depth=depth):
                value = parse_exact(raw, max_depth=depth)
                put_extensions_aside(value, node.path, ordinals, aside)
        for message, aside in asides.items():
            self.side.add_aside(message, aside)

    def _note_implausible(self, tables: Mapping[str, pa.Table]) -> None:
        """Note values that cannot both be true."""
        checks = self.compiled.plausibility(self.program.shape.data_model)
        wanted = {place.table for check in checks for place in check.places()}
        keyed = {
            name: renamed(tables[name], {MESSAGE_NO: "message_id"})
            for name in wanted & tables.keys()
        }
        for found in check_plausibility(keyed, checks):
            messages = found.message_id.astype(np.int32)
            self.side.add_many(found.rule, found.path, messages=messages, ordinals=found.ordinals)

    def _note_events(self, facts: MessageFacts, received: pa.Array) -> None:
        """Note event types that are not listed or retired, and replies under their query's."""
        if facts.event_type is not received:
            finding = [Finding(REPLY_UNDER_QUERY, "Meta.EventType")]
            is_reply = pc.fill_null(pc.not_equal(facts.event_type, received), False)
            for message in facts.message[np.asarray(is_reply)].tolist():
                self.side.add_findings(message, finding)
        for event in self.compiled.retired_events(self.program.shape.data_model):
            finding = [Finding("event_type_retired", "Meta.EventType")]
            is_old = pc.fill_null(pc.equal(facts.event_type, event), False)
            for message in facts.message[np.asarray(is_old)].tolist():
                self.side.add_findings(message, finding)
        known = self.compiled.known_events(self.program.shape.data_model)
        listed = pc.is_in(facts.event_type, pa.array(sorted(known), pa.string()))
        if listed.true_count == len(listed):
            return
        finding = [Finding("event_type_unlisted", "Meta.EventType")]
        for message in facts.message[~np.asarray(listed, dtype=np.bool_)].tolist():
            self.side.add_findings(message, finding)

    def _tables(
        self, leaves: Leaves, facts: MessageFacts, received_events: pa.Array
    ) -> list[tuple[str, pa.Table]]:
        core = self.compiled.plan.core
        own = self.compiled.plan.models[self.program.shape.data_model]
        read_as = _read_as(facts.event_type, received_events)
        tables = [
            ("core.message", self._core_table(core[""], leaves, read_as)),
            (own[""].qualified_name, self._root_table(own[""], leaves[0], facts)),
        ]
        for number, path in enumerate(self.program.grains[1:], 1):
            if len(self.grains[number].message):
                table = core[path] if path.startswith(f"{META}.") else own[path]
                rows = self._child_table(table, self.grains[number], leaves[number])
                tables.append((table.qualified_name, rows))
        return tables

    def _core_table(self, table: Table, leaves: Leaves, read_as: pa.Array) -> pa.Table:
        columns = {
            MESSAGE_NO: integers(self.grains[0].message),
            "received_at": self.received_at,
            "log_id": self._log_ids(leaves),
            "read_as": read_as,
        }
        return pa.table(columns | _columns_of(table, leaves[0]))

    def _log_ids(self, leaves: Leaves) -> pa.Array:
        """The first non-empty Meta.Logs[].ID of each message."""
        root = self.grains[0].message
        logs = enclosing_array(LOG_IDS)
        grain = self.program.grains.index(logs) if logs in self.program.grains else 0
        ids = leaves[grain].get(LOG_IDS)
        if ids is None:
            return pa.nulls(len(root), pa.string())
        filled = np.flatnonzero(np.asarray(ids.is_valid(), dtype=np.bool_))
        owners, first = np.unique(self.grains[grain].message[filled], return_index=True)
        position = np.searchsorted(owners, root)
        position = np.minimum(position, len(owners) - 1)
        has_one = owners[position] == root
        return ids.take(pa.array(filled[first[position]], mask=~has_one))

    def _root_table(
        self, table: Table, leaves: Mapping[str, pa.Array], facts: MessageFacts
    ) -> pa.Table:
        columns = {
            MESSAGE_NO: integers(facts.message),
            "event_type": without_empty(facts.event_type),
            "event_at": leaves.get(f"{META}.EventDateTime"),
            "received_at": self.received_at,
            "source_id": without_empty(facts.source_id),
            "facility_code": without_empty(facts.facility_code),
            "is_test": facts.is_test,
        }
        present = {name: column for name, column in columns.items() if column is not None}
        return pa.table(present | _columns_of(table, leaves))

    def _child_table(self, table: Table, grain: Grain, leaves: Mapping[str, pa.Array]) -> pa.Table:
        columns = {MESSAGE_NO: integers(grain.message)}
        for name, ordinal in zip(table.ordinals, grain.ordinals, strict=True):
            columns[name] = integers(ordinal)
        return pa.table(columns | _columns_of(table, leaves))


def _read_as(events: pa.Array, received: pa.Array) -> pa.Array:
    """The event type a message was read as where that is not the received one, else null."""
    if events is received:
        return pa.nulls(len(events), pa.string())
    return pc.if_else(pc.equal(events, received), None, events)


def _columns_of(table: Table, leaves: Mapping[str, pa.Array]) -> dict[str, pa.Array]:
    """The table's populated columns by name."""
    return {column.name: leaves[column.path] for column in table.columns if column.path in leaves}
