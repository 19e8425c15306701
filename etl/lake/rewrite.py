"""Files of a lake without some of their messages: written again under new names, or left out."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from etl.atomic import sync_folder
from etl.lake.files import settled_file
from etl.warehouse.lake import HeldFile, LakeFolder

MESSAGE_ID = "message_id"
_THREADS = 4
_BATCH_ROWS = 65_536
Ids = npt.NDArray[np.int64]
IsGone = Callable[[Ids], npt.NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Gone:
    """Messages that are to leave a lake: first <= id < stop, and of those the ones `is_gone` names."""

    first: int
    stop: int
    is_gone: IsGone


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A file that held some of them, what takes its place if anything is left, and rows removed."""

    old: HeldFile
    new: HeldFile | None
    removed: int


def of_slice(first: int, stop: int) -> Gone:
    """All messages of a slice."""
    return Gone(first, stop, lambda ids: (ids >= first) & (ids < stop))


def of_messages(ids: Ids) -> Gone:
    """These messages, at least one."""
    return Gone(int(ids.min()), int(ids.max()) + 1, lambda own: np.isin(own, ids))


def rewrite_without(lake: LakeFolder, files: Iterable[HeldFile], gone: Gone) -> Iterator[Rewritten]:
    """The files that hold any of these messages, each with what takes its place."""
    with ThreadPoolExecutor(_THREADS) as pool:
        for done in pool.map(lambda one: _rewrite(lake, one, gone), files):
            if done is not None:
                yield done


def _rewrite(lake: LakeFolder, own: HeldFile, gone: Gone) -> Rewritten | None:
    path = lake.path_of(own.file.file)
    with pq.ParquetFile(path) as source:
        if not _may_hold(source, gone):
            return None
        ids = source.read([MESSAGE_ID])[MESSAGE_ID].to_numpy()
        removed = int(gone.is_gone(ids).sum())
        if not removed:
            return None
        if removed == len(ids):
            return Rewritten(own, None, removed)
        new = _write_rest(source, path.with_name(f"{uuid.uuid4().hex}.parquet"), gone)
    file = settled_file(own.file.table, new, lake.root)
    sync_folder(new.parent)
    return Rewritten(own, HeldFile(file, own.columns), removed)


def _may_hold(source: pq.ParquetFile, gone: Gone) -> bool:
    """By the least and the greatest id of each row group; one that does not say them may."""
    facts = source.metadata
    for number in range(facts.num_row_groups):
        own = facts.row_group(number).column(0).statistics
        if own is None or not own.has_min_max or (own.max >= gone.first and own.min < gone.stop):
            return True
    return False


def _write_rest(source: pq.ParquetFile, path: Path, gone: Gone) -> Path:
    with pq.ParquetWriter(
        path, source.schema_arrow, compression="zstd", store_schema=False
    ) as writer:
        for batch in source.iter_batches(_BATCH_ROWS):
            ids = batch.column(MESSAGE_ID).to_numpy()
            kept = batch.filter(pa.array(~gone.is_gone(ids)))
            if kept.num_rows:
                writer.write_batch(kept)
    return path
