"""Rebuilds slices from landed bytes: the way to new columns, after the catalog has learned.

Each slice is one transaction: its rows, findings and counts are replaced, message ids stay. Killed
in between, the next reload does again what is missing; doing a slice twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt

from etl.conform.judge import Status
from etl.errors import UsageFault
from etl.known_names import look_up
from etl.pipeline.cut import cut_into_units
from etl.pipeline.load import Loader
from etl.pipeline.records import Piece
from etl.pipeline.status import write_status
from etl.pipeline.transaction import replace_slice
from etl.pipeline.work import NOT_LOADED, Integers, Numbered, Unit
from etl.warehouse.identity import commit
from etl.warehouse.slices import slices_of


@dataclass(frozen=True, slots=True)
class Selection:
    """Which messages to reload; every slice that holds one of them is rebuilt whole."""

    data_models: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    slices: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ReloadSummary:
    """How many slices and messages were rebuilt."""

    slices: int
    messages: int


def rebuild_tables(loader: Loader) -> ReloadSummary:
    """Give columns the types of the catalog, then rebuild every slice.

    Until all slices are done nothing else can be loaded; killed in between, call it again.
    """
    _check_exists(loader)
    with loader.writing(), loader.open() as connection:
        connection.execute("begin")
        loader.schema.retype(connection)
        commit(connection, loader.settings.home)
    summary = reload_slices(loader, Selection())
    with loader.writing(), loader.open() as connection:
        loader.schema.finish_retyping(connection)
    return summary


def reload_slices(loader: Loader, selection: Selection) -> ReloadSummary:
    """Rebuild every selected slice, one transaction each; raises UsageFault for an unknown model."""
    _check_exists(loader)
    look_up(selection.data_models, loader.worker.catalog.data_models, "data model")
    with loader.writing(), loader.open() as connection:
        loader.prepare(connection, is_reload=True)
        numbers = slices_of(
            connection,
            data_models=selection.data_models,
            sources=selection.sources,
            since=selection.since,
            until=selection.until,
            slices=selection.slices,
        )
    messages = sum(_reload_slice(loader, number) for number in numbers)
    return ReloadSummary(len(numbers), messages)


def _check_exists(loader: Loader) -> None:
    if not loader.settings.warehouse_path.exists():
        raise UsageFault("There is no warehouse yet; run `redox-warehouse load` first.")


def _reload_slice(loader: Loader, number: int) -> int:
    started_at = loader.clock()
    with loader.writing(), loader.staging() as folder, loader.open() as connection:
        work = list(_units_of_slice(loader, connection, number))
        judged = list(loader.pool.judge([unit for unit, _ in work]))
        numbered = [
            Numbered(unit, result, _still_loadable(ids, result.status))
            for (unit, ids), result in zip(work, judged, strict=True)
        ]
        connection.execute("begin")
        count = replace_slice(
            connection,
            loader.schema,
            loader.pool,
            folder,
            number,
            numbered,
            started_at=started_at,
            finished_at=loader.clock(),
        )
        commit(connection, loader.settings.home)
        write_status(connection, loader.settings, loader.clock())
    loader.progress("reloaded", count, sum(unit.size_bytes for unit, _ in work))
    return count


def _still_loadable(ids: Integers, status: npt.NDArray[np.int8]) -> Integers:
    """A message that was loaded stays loaded; a stricter judge must not lose it."""
    if (status == Status.QUARANTINED).any():
        raise UsageFault(
            "A loaded message would now be quarantined by the limits of the configuration; "
            "raise load.max_message_bytes or load.max_depth and reload again."
        )
    return ids


def _units_of_slice(
    loader: Loader, connection: duckdb.DuckDBPyConnection, number: int
) -> Iterator[tuple[Unit, Integers]]:
    query = (
        "select m.object_id, o.unwrap, list(m.item order by m.message_id), "
        "list(m.message_id order by m.message_id) "
        "from core.message m join core.landed_object o using (object_id) "
        "where m.message_id >> 18 = ? group by all order by min(m.message_id)"
    )
    for object_id, unwrap, items, ids in connection.execute(query, [number]).fetchall():
        yield from _units(loader, object_id, unwrap, np.asarray(items), np.asarray(ids))


def _units(
    loader: Loader, object_id: str, unwrap: str, items: Integers, ids: Integers
) -> Iterator[tuple[Unit, Integers]]:
    """Units of the object's own runs; items that are not of the slice are left out."""
    first, stop = int(items.min()), int(items.max()) + 1
    by_item = np.full(stop - first, NOT_LOADED, dtype=np.int64)
    by_item[items - first] = ids
    piece = Piece(loader.landing.describe(object_id), unwrap, first, stop)
    for unit in cut_into_units(loader.landing, piece):
        start = unit.first_item - first
        own = by_item[start : start + len(unit)]
        yield from _only(unit, own)


def _only(unit: Unit, ids: Integers) -> Iterator[tuple[Unit, Integers]]:
    """The runs of a unit whose items have an id."""
    wanted = ids != NOT_LOADED
    edges = np.flatnonzero(np.diff(np.concatenate([[0], wanted.view(np.int8), [0]])))
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        run = slice(start, stop)
        cut = Unit(
            unit.object_id,
            unit.unwrap,
            unit.fallback_day,
            unit.first_item + start,
            unit.offset[run],
            unit.length[run],
            unit.kind[run],
            unit.received_at_us[run],
        )
        yield cut, ids[run]
