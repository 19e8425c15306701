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

from etl.errors import UsageFault
from etl.kernel.numbering import NOT_LOADED
from etl.known_names import look_up
from etl.pipeline.load import Loader
from etl.pipeline.records import Piece
from etl.pipeline.status import write_status
from etl.pipeline.units import Run, cut_into_runs, gather_units
from etl.warehouse.identity import commit
from etl.warehouse.slices import slices_of
from models.tables.plan import SLICE_BITS

Integers = npt.NDArray[np.int64]


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
    check_exists(loader)
    loader.require_retypable()
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
    check_exists(loader)
    look_up(selection.data_models, loader.compiled.catalog.data_models, "data model")
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


def check_exists(loader: Loader) -> None:
    """Raise UsageFault where nothing was loaded yet."""
    if not loader.settings.warehouse_path.exists():
        raise UsageFault("There is no warehouse yet; run `redox-warehouse load` first.")


def _reload_slice(loader: Loader, number: int) -> int:
    started_at = loader.clock()
    with loader.writing(), loader.open() as connection:
        runs = list(runs_of_slice(loader, connection, number))
        ids_of = {id(run): ids for run, ids in runs}
        placed = [
            (unit, np.concatenate([ids_of[id(run)] for run in unit.runs]))
            for unit in gather_units(run for run, _ in runs)
        ]
        count = loader.replace_slice(connection, number, placed, started_at=started_at)
        write_status(connection, loader.settings, loader.clock())
    return count


def runs_of_slice(
    loader: Loader,
    connection: duckdb.DuckDBPyConnection,
    number: int,
    gone: set[str] | None = None,
) -> Iterator[tuple[Run, Integers]]:
    """The loaded items of a slice with their message ids.

    Objects that are not in landing go to `gone` and are left out; without it they raise
    PermanentError.
    """
    yield from runs_of(loader, connection, f"m.message_id >> {SLICE_BITS} = {int(number)}", gone)


def runs_of(
    loader: Loader,
    connection: duckdb.DuckDBPyConnection,
    condition: str,
    gone: set[str] | None = None,
) -> Iterator[tuple[Run, Integers]]:
    """The same of the messages `m` that meet a condition in SQL."""
    query = (
        "select m.object_id, o.unwrap, list(m.item order by m.message_id), "
        "list(m.message_id order by m.message_id) "
        "from core.message m join core.landed_object o using (object_id) "
        f"where {condition} group by all order by min(m.message_id)"
    )
    for object_id, unwrap, items, ids in connection.execute(query).fetchall():
        if gone is not None and not loader.landing.has(object_id):
            gone.add(object_id)
            continue
        yield from runs_of_items(loader, object_id, unwrap, np.asarray(items), np.asarray(ids))


def runs_of_items(
    loader: Loader, object_id: str, unwrap: str, items: Integers, ids: Integers
) -> Iterator[tuple[Run, Integers]]:
    """Runs of the object; items that are not of the slice are left out."""
    first, stop = int(items.min()), int(items.max()) + 1
    by_item = np.full(stop - first, NOT_LOADED, dtype=np.int64)
    by_item[items - first] = ids
    piece = Piece(loader.landing.describe(object_id), unwrap, first, stop)
    for run in cut_into_runs(loader.landing, piece):
        start = run.first_item - first
        own = by_item[start : start + len(run)]
        yield from _only(run, own)


def _only(run: Run, ids: Integers) -> Iterator[tuple[Run, Integers]]:
    """The parts of a run whose items have an id."""
    wanted = ids != NOT_LOADED
    edges = np.flatnonzero(np.diff(np.concatenate([[0], wanted.view(np.int8), [0]])))
    for start, stop in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        yield run.part(start, stop), ids[start:stop]
