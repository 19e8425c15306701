"""Settles units: with the ids of its messages, a unit becomes rows of the warehouse and counts.

One `Settling` per load. Units come in order; each gives its rows at once, counts come at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from etl.kernel.columns import integers, renamed
from etl.kernel.compiled import Compiled
from etl.kernel.counts import FindingCounts, Groups, PathCounts
from etl.kernel.numbering import NOT_LOADED
from etl.kernel.program import ShapeProgram
from etl.kernel.run import UnitResult
from etl.kernel.side import MESSAGE_NO, SideTables
from etl.kernel.tables import Batch, MessageFacts

Integers = npt.NDArray[np.int64]
Rows = tuple[str, pa.Table]
NOT_LISTED = "path_not_listed_for_event"
UNSUPPORTED = "quality.unsupported_value"
_HEX_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the items of a unit came from: `of_item` is an index into `object_ids`, `item` the
    0-based position in that object."""

    object_ids: tuple[str, ...]
    of_item: npt.NDArray[np.int32]
    item: Integers


class Settling:
    """What the units of one load add up to."""

    def __init__(self, compiled: Compiled) -> None:
        self._compiled = compiled
        self._groups = Groups()
        self._paths = PathCounts()
        self._findings = FindingCounts(compiled.severities)
        self._messages: list[Integers] = []
        self._unsupported: list[pa.Table] = []

    def settle(self, unit: UnitResult, ids: Integers, origin: Origin) -> Iterator[Rows]:
        """The rows of the unit's messages that have an id, by table."""
        groups = np.full(len(unit), -1, np.int32)
        for batch in unit.batches:
            facts, own = _loaded(batch.facts, ids)
            if not len(own):
                continue
            groups[facts.message] = self._groups.number(batch.program.shape.data_model, facts, own)
        self._messages.append(groups[groups >= 0].astype(np.int64))
        for batch in unit.batches:
            self._count(batch, groups)
            for name, rows in batch.tables.items():
                own_rows = _with_origin(rows, unit, origin) if name == "core.message" else rows
                numbered = _with_ids(own_rows, ids)
                if numbered.num_rows:
                    yield name, numbered
        yield from self._side(unit.side, ids, groups)

    def _count(self, batch: Batch, groups: npt.NDArray[np.int32]) -> None:
        paths = [node.path for node in batch.program.nodes]
        hidden = {item: paths for item, paths in batch.hidden.items() if groups[item] >= 0}
        is_hidden = np.isin(batch.items, list(hidden))
        own = groups[batch.items]
        counted = self._counted(batch, np.where(is_hidden, -1, own))
        self._paths.add(paths, counted)
        self._count_unlisted(batch.program, paths, counted)
        if hidden:
            placed = self._counted(batch, np.where(is_hidden, own, -1))
            self._count_unlisted(batch.program, paths, placed)
        for item, populated in hidden.items():
            self._paths.add_message(populated, int(groups[item]))

    def _counted(self, batch: Batch, groups: npt.NDArray[np.int32]) -> Integers:
        own = np.ascontiguousarray(groups, np.int32)
        return batch.columns.count(own, len(self._groups))

    def _count_unlisted(self, program: ShapeProgram, paths: list[str], counted: Integers) -> None:
        """Count populated paths that the event types of their groups do not list."""
        data_model = program.shape.data_model
        listed = self._compiled.listed_paths(data_model)
        known = self._compiled.known_events(data_model)
        numbers, at = np.unique(counted[:, 0], return_inverse=True)
        events = [self._groups.event_types[number] for number in numbers.tolist()]
        is_unlisted = np.zeros((len(events), len(paths)), np.bool_)
        rows: dict[str, npt.NDArray[np.bool_]] = {}
        for index, event in enumerate(events):
            if event not in known:
                continue
            if event not in rows:
                own = [path in listed and event not in listed[path] for path in paths]
                rows[event] = np.asarray(own, np.bool_)
            is_unlisted[index] = rows[event]
        found = counted[is_unlisted[at, counted[:, 1]]]
        if len(found):
            self._findings.add([(NOT_LISTED, path) for path in paths], found[:, [0, 1, 3, 2]])

    def _side(
        self, side: SideTables, ids: Integers, groups: npt.NDArray[np.int32]
    ) -> Iterator[Rows]:
        self._count_findings(side, groups)
        for name, rows in side.rows.items():
            message = np.asarray(rows[MESSAGE_NO])
            numbered = _with_ids(rows, ids)
            if not numbered.num_rows:
                continue
            own = groups[message][ids[message] != NOT_LOADED].astype(np.int64)
            if name == UNSUPPORTED:
                self._unsupported.append(numbered.append_column("group", integers(own)))
            elif name == "quality.finding":
                yield name, self._with_group(numbered, own)
            else:
                yield name, numbered

    def _count_findings(self, side: SideTables, groups: npt.NDArray[np.int32]) -> None:
        found, message = side.found_rule_path.astype(np.int64), side.found_message
        own = groups[message].astype(np.int64)
        loaded = own >= 0
        found, message, own = found[loaded], message[loaded].astype(np.int64), own[loaded]
        if not len(found):
            return
        width = len(groups)
        per_message = np.unique(found * width + message)
        names, count = len(side.rule_paths), len(self._groups)
        findings = np.bincount(own * names + found, minlength=0)
        of_messages = groups[per_message % width].astype(np.int64) * names + per_message // width
        messages = np.bincount(of_messages, minlength=len(findings))
        at = np.flatnonzero(findings)
        rows = np.stack([at // names, at % names, findings[at], messages[at]], axis=1)
        assert count > int(rows[:, 0].max())
        self._findings.add(side.rule_paths, rows)

    def _with_group(self, findings: pa.Table, groups: Integers) -> pa.Table:
        """Findings with the columns of their group that a finding carries."""
        keys = self._groups.to_table().take(integers(groups))
        for name in ("data_model", "event_type", "source_id", "day"):
            findings = findings.append_column(name, keys[name])
        return findings

    def finish(self) -> Iterator[Rows]:
        """The counts of all units settled."""
        if not len(self._groups):
            return
        groups = self._groups.to_table()
        if self._unsupported:
            yield UNSUPPORTED, _first_of_each(pa.concat_tables(self._unsupported), groups)
        if len(self._findings):
            yield "quality.finding_count", self._findings.to_table(groups)
        messages = np.bincount(np.concatenate(self._messages), minlength=len(self._groups))
        counted = groups.append_column("messages", integers(messages.astype(np.int64)))
        yield "quality.message_count", counted.filter(pa.array(messages > 0))
        yield "quality.path_count", self._paths.to_table(groups)


def _loaded(facts: MessageFacts, ids: Integers) -> tuple[MessageFacts, Integers]:
    """The facts of the messages that have an id, and the ids."""
    own = ids[facts.message]
    is_loaded = own != NOT_LOADED
    if is_loaded.all():
        return facts, own
    kept = pa.array(is_loaded)
    return (
        replace(
            facts,
            message=facts.message[is_loaded],
            day=facts.day.filter(kept),
            source_id=facts.source_id.filter(kept),
            facility_code=facts.facility_code.filter(kept),
            event_type=facts.event_type.filter(kept),
            is_test=facts.is_test.filter(kept),
        ),
        own[is_loaded],
    )


def _with_ids(rows: pa.Table, ids: Integers) -> pa.Table:
    """Rows under their messages' ids; those of messages without one are left out."""
    own = ids[np.asarray(rows[MESSAGE_NO])]
    numbered = rows.set_column(0, "message_id", integers(own))
    is_loaded = own != NOT_LOADED
    return numbered if is_loaded.all() else numbered.filter(pa.array(is_loaded))


def _with_origin(rows: pa.Table, unit: UnitResult, origin: Origin) -> pa.Table:
    """Rows of core.message with where they came from and their content hash."""
    message = np.asarray(rows[MESSAGE_NO])
    hashes = np.ascontiguousarray(unit.hashes[message]).tobytes().hex().encode()
    ends = np.arange(len(message) + 1, dtype=np.int32) * np.int32(_HEX_DIGITS)
    texts = pa.Array.from_buffers(
        pa.string(), len(message), [None, pa.py_buffer(ends), pa.py_buffer(hashes)]
    )
    objects = pa.array(origin.object_ids, pa.string())
    rows = rows.append_column("object_id", objects.take(integers(origin.of_item[message])))
    rows = rows.append_column("item", integers(origin.item[message]))
    return rows.append_column("content_hash", texts)


def _first_of_each(unsupported: pa.Table, groups: pa.Table) -> pa.Table:
    """One row per slice, data model, path and value: its first place, its days, how often."""
    rows = unsupported.sort_by("message_id")
    keys = groups.take(rows["group"])
    for name in ("slice", "data_model", "day"):
        rows = rows.append_column(name, keys[name])
    rows = rows.append_column("row", integers(np.arange(rows.num_rows, dtype=np.int64)))
    found = rows.group_by(["slice", "data_model", "path", "value"]).aggregate(
        [("row", "min"), ("row", "count"), ("day", "min"), ("day", "max")]
    )
    first = rows.take(found["row_min"]).drop_columns(["group", "row", "day"])
    first = renamed(first, {"message_id": "first_message_id", "ordinals": "first_ordinals"})
    for name, column in (
        ("findings", "row_count"),
        ("first_day", "day_min"),
        ("last_day", "day_max"),
    ):
        first = first.append_column(name, found[column])
    return first
