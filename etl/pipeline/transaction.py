"""The one transaction of a load: what is new gets a message_id, is inserted and recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import duckdb
import numpy as np
import numpy.typing as npt

from etl.errors import PermanentError, UsageFault
from etl.kernel.compiled import Compiled
from etl.kernel.numbering import NOT_LOADED, number_messages
from etl.kernel.run import Status, UnitResult
from etl.kernel.settle import Rows, Settling
from etl.kernel.tables import NO_TIME
from etl.pipeline.reading import PURGED_REASON
from etl.pipeline.records import LoadSummary, Progress
from etl.pipeline.units import Run, Unit, origin_of
from etl.records import About
from etl.warehouse import ledger
from etl.warehouse.commit import Inserting
from etl.warehouse.log_conflicts import count_log_conflicts
from etl.warehouse.new_values import TABLE as UNSUPPORTED_VALUES
from etl.warehouse.new_values import mark_new_values
from etl.warehouse.roll_up import roll_up
from etl.warehouse.schema import Schema
from etl.warehouse.slices import delete_slice, record_slices
from models.tables.plan import SLICE_BITS

LOAD = "load"
REPLAY = "replay"
RELOAD = "reload"
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Taken:
    """What became of the items of one run of a unit that the transaction took."""

    run: Run
    loaded: int
    reasons: Mapping[int, str]
    about: Mapping[int, About]
    received_at_us: Integers
    purged: Mapping[int, bool]
    """Items whose content was purged; true where their bytes are overwritten already."""

    @property
    def duplicate(self) -> int:
        return len(self.run) - self.loaded - len(self.reasons) - len(self.purged)


class Transaction:
    """Runs between `begin` and `commit` of the caller, who holds the write lock.

    Units are taken in order as they are read; `record` writes the ledger at the end.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        schema: Schema,
        compiled: Compiled,
        progress: Progress,
        *,
        kind: str,
        is_refusing: bool = True,
    ) -> None:
        """`is_refusing` says that content which was purged is not loaded again."""
        self._is_refusing = is_refusing
        self._connection = connection
        self._schema = schema
        self._progress = progress
        self._kind = kind
        self._settling = Settling(compiled)
        self._load_id = ledger.next_load_id(connection)
        self._inserting = Inserting(connection, load_id=self._load_id)
        self._first_id = self._next_id = ledger.next_message_id(connection)
        self._seen: set[bytes] = set()
        self._present: set[str] = set()
        self._slices: set[int] = set()
        self._taken: list[_Taken] = []
        self._repeated: list[ledger.DeliveryRow] = []
        self._models: Counter[str] = Counter()
        self._exact = 0

    @property
    def load_id(self) -> int:
        """The number of this load."""
        return self._load_id

    @property
    def next_message_id(self) -> int:
        """The first message_id that is not given."""
        return self._next_id

    def add(self, rows: Iterable[Rows]) -> None:
        """Insert rows of messages that were numbered here and laid out elsewhere."""
        self._inserting.add(rows)

    def take(
        self, unit: Unit, result: UnitResult, overtaken: Mapping[str, int] | None = None
    ) -> Integers:
        """Number what is new in a unit and insert its rows; gives the ids, NOT_LOADED for others.

        `overtaken` says how many items of an object others have loaded meanwhile: runs that begin
        among them are left out.
        """
        is_taken = _not_overtaken(unit, overtaken or {})
        is_loadable = (result.status != Status.QUARANTINED) & np.repeat(
            is_taken, [len(run) for run in unit.runs]
        )
        is_refused = self._refused(result, is_loadable)
        is_loadable &= ~is_refused
        known = ledger.known_hashes(self._connection, result.hashes[is_loadable].tobytes())
        ids = number_messages(
            result.hashes, is_loadable, known=known, seen=self._seen, next_id=self._next_id
        )
        self._next_id += int((ids != NOT_LOADED).sum())
        self._repeated += _repeated(unit, result, is_loadable & (ids == NOT_LOADED))
        self._store(unit, result, ids, is_taken, is_refused)
        return ids

    def store(self, unit: Unit, result: UnitResult, ids: Integers) -> None:
        """Insert the rows of messages that have an id; raises UsageFault as `require_loadable`."""
        require_loadable(result)
        nothing = np.zeros(len(ids), np.bool_)
        self._store(unit, result, ids, np.ones(len(unit.runs), np.bool_), nothing)

    def _refused(self, result: UnitResult, is_loadable: Booleans) -> Booleans:
        """Which items have content that was purged."""
        asked = result.hashes[is_loadable].tobytes() if self._is_refusing else b""
        purged = ledger.purged_hashes(self._connection, asked)
        if not purged:
            return np.zeros(len(is_loadable), np.bool_)
        own = (row.tobytes() in purged for row in result.hashes)
        return np.fromiter(own, np.bool_, len(is_loadable)) & is_loadable

    def _store(
        self,
        unit: Unit,
        result: UnitResult,
        ids: Integers,
        is_taken: Booleans,
        is_refused: Booleans,
    ) -> None:
        models = {model for model, _ in result.shapes}
        if models - self._present:
            self._schema.ensure(self._connection, models)
            self._present |= models
        self._inserting.add(self._settling.settle(result, ids, origin_of(unit)))
        is_loaded = ids != NOT_LOADED
        self._exact += int((is_loaded & (result.status == Status.CONFORMED)).sum())
        self._slices.update(np.unique(ids[is_loaded] >> SLICE_BITS).tolist())
        for index, (model, _) in enumerate(result.shapes):
            self._models[model] += int((is_loaded & (result.shape == index)).sum())
        taken = zip(_taken(unit, result, is_loaded, is_refused), is_taken.tolist(), strict=True)
        self._taken += [one for one, is_own in taken if is_own]
        self._progress("loaded", len(unit), unit.size_bytes)

    def replace_slice(self, number: int) -> None:
        """Delete every row of a slice, before its messages are stored again under their ids.

        They keep the load that first stored them.
        """
        self._connection.execute(
            "create or replace temp table first_load as "
            f"select message_id, load_id from core.message where message_id >> {SLICE_BITS} = ?",
            [number],
        )
        delete_slice(self._connection, self._schema.plan, number)

    def record_reload(self, number: int, *, started_at: datetime, finished_at: datetime) -> int:
        """Write a reloaded slice into the ledger; gives its messages."""
        connection = self._connection
        self._insert_rest()
        connection.execute(
            "update core.message set load_id = first_load.load_id from first_load "
            "where message.message_id = first_load.message_id"
        )
        first, stop = number << SLICE_BITS, (number + 1) << SLICE_BITS
        count_log_conflicts(connection, first, stop, self._load_id)
        changed = {number, *mark_new_values(connection, since=0)}
        record_slices(connection, changed, self._load_id)
        size_bytes = sum(one.run.size_bytes for one in self._taken)
        summary = LoadSummary(bytes=size_bytes)
        ledger.record_load(connection, self._load_row(summary, started_at), [], [], finished_at)
        return sum(one.loaded for one in self._taken)

    def record(
        self,
        *,
        started_at: datetime,
        finished_at: datetime,
        objects: Sequence[ledger.LandedRow] = (),
    ) -> LoadSummary:
        """Insert what is left, write the ledger; gives the counts that went into it."""
        connection = self._connection
        self._insert_rest()
        self._slices.update(roll_up(connection, self._load_id))
        record_slices(connection, self._slices, self._load_id)
        ledger.record_objects(connection, objects)
        if self._inserting.rows[UNSUPPORTED_VALUES]:
            mark_new_values(connection, since=self._first_id)
        count_log_conflicts(connection, self._first_id, self._next_id, self._load_id)
        ledger.set_next_message_id(connection, self._next_id)
        ledger.record_duplicates(connection, self._repeated, self._load_id)
        purged = [row for one in self._taken for row in _purged_rows(one)]
        ledger.record_purged(connection, purged, load_id=self._load_id, now=finished_at)
        summary = self._summary()
        load = self._load_row(summary, started_at)
        if self._kind == REPLAY:
            ledger.record_load(connection, load, [], [], finished_at)
            replayed = [item for one in self._taken for item in _settled(one)]
            ledger.settle_quarantined(connection, replayed, self._load_id, finished_at)
            return summary
        quarantined = [row for one in self._taken for row in _quarantine_rows(one)]
        parts = [_part(one) for one in self._taken]
        ledger.record_load(connection, load, parts, quarantined, finished_at)
        return summary

    def _insert_rest(self) -> None:
        self._inserting.add(self._settling.finish())
        self._inserting.finish()

    def _load_row(self, summary: LoadSummary, started_at: datetime) -> ledger.LoadRow:
        return ledger.LoadRow(
            self._load_id,
            self._kind,
            started_at,
            summary.bytes,
            summary.received,
            summary.replayed,
            summary.loaded,
            summary.duplicate,
            summary.quarantined,
            self._schema.catalog.content_hash,
            summary.purged,
        )

    def _summary(self) -> LoadSummary:
        items = sum(len(one.run) for one in self._taken)
        is_replay = self._kind == REPLAY
        summary = LoadSummary(
            loads=1,
            bytes=sum(one.run.size_bytes for one in self._taken),
            received=0 if is_replay else items,
            replayed=items if is_replay else 0,
            loaded=sum(one.loaded for one in self._taken),
            duplicate=sum(one.duplicate for one in self._taken),
            quarantined=sum(len(one.reasons) for one in self._taken),
            purged=sum(len(one.purged) for one in self._taken),
            exact=self._exact,
            rows=dict(self._inserting.rows),
            models={name: count for name, count in self._models.items() if count},
            load_ids=(self._load_id,),
        )
        new = self._next_id - self._first_id
        if summary.loaded != new or any(one.duplicate < 0 for one in self._taken):
            raise PermanentError(
                "The ledger does not add up, nothing was loaded; report this fault."
            )
        return replace(summary, load_ids=(self._load_id,))


def require_loadable(result: UnitResult) -> None:
    """Raise UsageFault for a message that would be quarantined now: a stricter limit must not lose
    what was loaded."""
    if (result.status == Status.QUARANTINED).any():
        raise UsageFault(
            "A loaded message would now be quarantined by the limits of the configuration; "
            "raise load.max_message_bytes or load.max_depth and reload again."
        )


def _not_overtaken(unit: Unit, overtaken: Mapping[str, int]) -> npt.NDArray[np.bool_]:
    return np.asarray([run.first_item >= overtaken.get(run.object_id, 0) for run in unit.runs])


def _repeated(unit: Unit, result: UnitResult, is_known: Booleans) -> Iterator[ledger.DeliveryRow]:
    """Where the items of known content are."""
    origin = origin_of(unit)
    for item in np.flatnonzero(is_known).tolist():
        yield ledger.DeliveryRow(
            origin.object_ids[origin.of_item[item]],
            int(origin.item[item]),
            result.hashes[item].tobytes().hex(),
        )


def _taken(
    unit: Unit, result: UnitResult, is_loaded: Booleans, is_refused: Booleans
) -> Iterator[_Taken]:
    """What became of each run of a unit."""
    start = 0
    by_run: list[dict[int, str]] = [{} for _ in unit.runs]
    purged: list[dict[int, bool]] = [{} for _ in unit.runs]
    about: list[dict[int, About]] = [{} for _ in unit.runs]
    starts = np.cumsum([0, *(len(run) for run in unit.runs)])
    for item, reason in sorted(result.reasons.items()):
        number = int(np.searchsorted(starts, item, side="right")) - 1
        index = item - int(starts[number])
        if reason == PURGED_REASON:
            purged[number][index] = True
            continue
        by_run[number][index] = reason
        if item in result.about:
            about[number][index] = result.about[item]
    for item in np.flatnonzero(is_refused).tolist():
        number = int(np.searchsorted(starts, item, side="right")) - 1
        purged[number][item - int(starts[number])] = False
    for run, reasons, says, gone in zip(unit.runs, by_run, about, purged, strict=True):
        stop = start + len(run)
        loaded = int(is_loaded[start:stop].sum())
        yield _Taken(run, loaded, reasons, says, result.received_at_us[start:stop], gone)
        start = stop


def _settled(one: _Taken) -> Iterator[tuple[str, int]]:
    """Object and position of the items that are quarantined no longer."""
    for index in range(len(one.run)):
        if index not in one.reasons:
            yield one.run.object_id, one.run.first_item + index


def _part(one: _Taken) -> ledger.PartRow:
    return ledger.PartRow(
        object_id=one.run.object_id,
        first_item=one.run.first_item,
        item_count=len(one.run),
        loaded=one.loaded,
        duplicate=one.duplicate,
        quarantined=len(one.reasons),
        purged=len(one.purged),
    )


def _purged_rows(one: _Taken) -> Iterator[ledger.PurgedRow]:
    for index, is_erased in one.purged.items():
        yield ledger.PurgedRow(
            object_id=one.run.object_id,
            item=one.run.first_item + index,
            byte_offset=int(one.run.offset[index]),
            byte_length=int(one.run.length[index]),
            is_erased=is_erased,
        )


def _quarantine_rows(one: _Taken) -> Iterator[ledger.QuarantineRow]:
    for index, reason in one.reasons.items():
        received_us = int(one.received_at_us[index])
        yield ledger.QuarantineRow(
            object_id=one.run.object_id,
            item=one.run.first_item + index,
            byte_offset=int(one.run.offset[index]),
            byte_length=int(one.run.length[index]),
            reason=reason,
            received_at=_instant(received_us) if received_us != NO_TIME else None,
            about=one.about.get(index),
        )


def _instant(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC).replace(
        microsecond=microseconds % 1_000_000
    )
