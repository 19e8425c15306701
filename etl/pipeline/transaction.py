"""The one transaction of a load: what is new gets a message_id, is flattened, inserted, recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np

from etl.conform.judge import Status
from etl.errors import PermanentError
from etl.landing.frames import NO_TIME
from etl.pipeline.pool import Pool
from etl.pipeline.records import LoadSummary, Progress
from etl.pipeline.shares import divide
from etl.pipeline.staging import StagedTable
from etl.pipeline.work import NOT_LOADABLE, NOT_LOADED, Integers, Judged, Numbered, Unit
from etl.warehouse import ledger
from etl.warehouse.commit import StagedInsert
from etl.warehouse.log_conflicts import count_log_conflicts
from etl.warehouse.new_values import TABLE as UNSUPPORTED_VALUES
from etl.warehouse.new_values import mark_new_values
from etl.warehouse.schema import Schema
from etl.warehouse.slices import SLICE_BITS, delete_slice, record_slices

FINGERPRINT_BYTES = 16
REPLAY = "replay"


@dataclass(slots=True)
class Taken:
    """A judged unit that this transaction takes; `message_id` is filled as it goes on."""

    unit: Unit
    judged: Judged
    message_id: Integers
    is_duplicate: int = 0
    reasons: dict[int, str] = field(default_factory=dict)


@dataclass(slots=True)
class Transaction:
    """Runs between `begin` and `commit` of the caller, who holds the write lock."""

    connection: duckdb.DuckDBPyConnection
    schema: Schema
    pool: Pool
    folder: Path
    progress: Progress

    def run(
        self,
        work: Sequence[tuple[Unit, Judged]],
        *,
        kind: str,
        started_at: datetime,
        finished_at: datetime,
        objects: Sequence[ledger.LandedRow],
    ) -> LoadSummary:
        """Take the work in; gives the counts that went into the ledger."""
        taken = [_take(unit, judged) for unit, judged in work]
        self.schema.ensure(self.connection, {m for t in taken for m, _ in t.judged.shapes})
        next_id = self._number(taken)
        load_id = ledger.next_load_id(self.connection)
        staged = self._store(taken, load_id)
        record_slices(self.connection, _slices(taken), load_id)
        ledger.record_objects(self.connection, objects)
        first_id = ledger.next_message_id(self.connection)
        if any(table.name == UNSUPPORTED_VALUES for table in staged):
            mark_new_values(self.connection, since=first_id)
        count_log_conflicts(self.connection, first_id, next_id, load_id)
        ledger.set_next_message_id(self.connection, next_id)
        counted = _summary(taken, staged, is_replay=kind == REPLAY)
        summary = replace(counted, load_ids=(load_id,))
        load = ledger.LoadRow(
            load_id,
            kind,
            started_at,
            summary.bytes,
            summary.received,
            summary.replayed,
            summary.loaded,
            summary.duplicate,
            summary.quarantined,
            self.schema.catalog.content_hash,
        )
        if kind == REPLAY:
            ledger.record_load(self.connection, load, [], [], finished_at)
            replayed = [item for one in taken for item in _settled(one)]
            ledger.settle_quarantined(self.connection, replayed, load_id, finished_at)
            return summary
        quarantined = [row for one in taken for row in _quarantine_rows(one)]
        parts = [_part(one) for one in taken]
        ledger.record_load(self.connection, load, parts, quarantined, finished_at)
        return summary

    def _number(self, taken: Sequence[Taken]) -> int:
        """Give every new message its id, in the order received; gives the next free id."""
        known = self._known(taken)
        next_id = ledger.next_message_id(self.connection)
        seen: set[bytes] = set()
        for one in taken:
            prints = one.judged.fingerprints
            for index in np.flatnonzero(one.judged.status != Status.QUARANTINED).tolist():
                start = FINGERPRINT_BYTES * index
                fingerprint = prints[start : start + FINGERPRINT_BYTES]
                if fingerprint in seen or fingerprint in known:
                    one.is_duplicate += 1
                    continue
                seen.add(fingerprint)
                one.message_id[index] = next_id
                next_id += 1
        return next_id

    def _known(self, taken: Sequence[Taken]) -> set[bytes]:
        fingerprints = [
            one.judged.fingerprints[FINGERPRINT_BYTES * i : FINGERPRINT_BYTES * (i + 1)].hex()
            for one in taken
            for i in np.flatnonzero(one.judged.status != Status.QUARANTINED).tolist()
        ]
        found = ledger.known_fingerprints(self.connection, fingerprints, self.folder)
        return {bytes.fromhex(text) for text in found}

    def _store(self, taken: Sequence[Taken], load_id: int) -> list[StagedTable]:
        """Flatten what is new and insert its rows, those that are staged while others still are."""
        rows = self.folder / "rows"
        rows.mkdir()
        insert = StagedInsert(self.connection, rows, load_id=load_id)
        staged = self._flatten(taken, rows, insert.insert_finished)
        insert.insert_rest((table.name, table.files) for table in staged)
        return staged

    def _flatten(
        self, taken: Sequence[Taken], rows: Path, meanwhile: Callable[[], None]
    ) -> list[StagedTable]:
        shares = _shares(taken, self.pool)
        staged: list[StagedTable] = []
        refused: set[int] = set()
        for share, result in zip(shares, self.pool.flatten(shares, rows, meanwhile), strict=True):
            staged += result.staged
            refused.update(result.refused)
            for numbered in share:
                self.progress("flattened", numbered.loaded_items, numbered.loaded_bytes)
        for one in taken:
            left_out = one.message_id == NOT_LOADED
            self.progress("flattened", int(left_out.sum()), int(one.unit.length[left_out].sum()))
            for index in np.flatnonzero(np.isin(one.message_id, list(refused))).tolist():
                one.message_id[index] = NOT_LOADED
                one.reasons[index] = NOT_LOADABLE
        return staged


def _slices(taken: Sequence[Taken]) -> set[int]:
    ids = np.concatenate([one.message_id for one in taken] or [np.empty(0, dtype=np.int64)])
    return set(np.unique(ids[ids != NOT_LOADED] >> SLICE_BITS).tolist())


def replace_slice(
    connection: duckdb.DuckDBPyConnection,
    schema: Schema,
    pool: Pool,
    folder: Path,
    number: int,
    numbered: Sequence[Numbered],
    *,
    started_at: datetime,
    finished_at: datetime,
) -> int:
    """Replace every row of a slice by what its landed bytes say now; gives the messages.

    The messages keep their ids and the load that first stored them.
    """
    schema.ensure(connection, {m for one in numbered for m, _ in one.judged.shapes})
    taken = [Taken(one.unit, one.judged, one.message_id) for one in numbered]
    staged = [
        table for result in pool.flatten(_shares(taken, pool), folder) for table in result.staged
    ]
    load_id = ledger.next_load_id(connection)
    connection.execute(
        "create or replace temp table first_load as "
        f"select message_id, load_id from core.message where message_id >> {SLICE_BITS} = ?",
        [number],
    )
    delete_slice(connection, schema.plan, number)
    StagedInsert(connection, folder, load_id=load_id).insert_rest((t.name, t.files) for t in staged)
    connection.execute(
        "update core.message set load_id = first_load.load_id from first_load "
        "where message.message_id = first_load.message_id"
    )
    first, stop = number << SLICE_BITS, (number + 1) << SLICE_BITS
    count_log_conflicts(connection, first, stop, load_id)
    record_slices(connection, {number, *mark_new_values(connection, since=0)}, load_id)
    size_bytes = sum(one.unit.size_bytes for one in numbered)
    load = ledger.LoadRow(
        load_id, "reload", started_at, size_bytes, 0, 0, 0, 0, 0, schema.catalog.content_hash
    )
    ledger.record_load(connection, load, [], [], finished_at)
    return sum(int((one.message_id != NOT_LOADED).sum()) for one in numbered)


def _take(unit: Unit, judged: Judged) -> Taken:
    ids = np.full(len(unit), NOT_LOADED, dtype=np.int64)
    return Taken(unit, judged, ids, reasons=dict(judged.reasons))


def _shares(taken: Sequence[Taken], pool: Pool) -> list[list[Numbered]]:
    work = [Numbered(one.unit, one.judged, one.message_id) for one in taken]
    return divide(work, pool.shares_for([one.unit for one in taken]))


def _settled(one: Taken) -> Iterator[tuple[str, int]]:
    """Object and position of the items that are quarantined no longer."""
    for index in range(len(one.unit)):
        if index not in one.reasons:
            yield one.unit.object_id, one.unit.first_item + index


def _summary(
    taken: Sequence[Taken], staged: Sequence[StagedTable], *, is_replay: bool
) -> LoadSummary:
    rows: Counter[str] = Counter()
    for table in staged:
        rows[table.name] += table.rows
    models: Counter[str] = Counter()
    for one in taken:
        loaded = one.message_id != NOT_LOADED
        for index, (model, _) in enumerate(one.judged.shapes):
            models[model] += int((loaded & (one.judged.shape == index)).sum())
    items = sum(len(one.unit) for one in taken)
    summary = LoadSummary(
        loads=1,
        bytes=sum(one.unit.size_bytes for one in taken),
        received=0 if is_replay else items,
        replayed=items if is_replay else 0,
        loaded=sum(int((one.message_id != NOT_LOADED).sum()) for one in taken),
        duplicate=sum(one.is_duplicate for one in taken),
        quarantined=sum(len(one.reasons) for one in taken),
        rows=dict(rows),
        models={name: count for name, count in models.items() if count},
    )
    if items != summary.loaded + summary.duplicate + summary.quarantined:
        raise PermanentError("The ledger does not add up, nothing was loaded; report this fault.")
    return summary


def _part(one: Taken) -> ledger.PartRow:
    return ledger.PartRow(
        object_id=one.unit.object_id,
        first_item=one.unit.first_item,
        item_count=len(one.unit),
        loaded=int((one.message_id != NOT_LOADED).sum()),
        duplicate=one.is_duplicate,
        quarantined=len(one.reasons),
    )


def _quarantine_rows(one: Taken) -> Iterator[ledger.QuarantineRow]:
    for index, reason in sorted(one.reasons.items()):
        received_us = int(one.judged.received_at_us[index])
        yield ledger.QuarantineRow(
            object_id=one.unit.object_id,
            item=one.unit.first_item + index,
            byte_offset=int(one.unit.offset[index]),
            byte_length=int(one.unit.length[index]),
            reason=reason,
            received_at=_instant(received_us) if received_us != NO_TIME else None,
            about=one.judged.about.get(index),
        )


def _instant(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(
        microsecond=microseconds % 1_000_000
    )
