"""Merges small files of a lake: each load gives every table a few, most of them of some kilobytes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import pyarrow as pa
import pyarrow.parquet as pq

from etl.atomic import sync_folder
from etl.lake.files import declared_tables, settled_file
from etl.lake.rewrite import MESSAGE_ID, Rewritten
from etl.warehouse.lake import HeldFile, LakeFolder
from models.tables.plan import WarehousePlan

SMALL_BYTES = 8 * 2**20
MERGED_BYTES = 32 * 2**20
_ROW_GROUP_ROWS = 131_072
_THREADS = 2


def merge_small(
    lake: LakeFolder, files: Sequence[HeldFile], plan: WarehousePlan
) -> Iterator[Rewritten]:
    """Small files of one table with the same columns as one file of about MERGED_BYTES.

    Of files that are merged the first is replaced by the new one, the others by nothing. Rows are
    sorted by the table's key.
    """
    declared = declared_tables(plan)

    def merge(some: Sequence[HeldFile]) -> HeldFile:
        table = declared.get(some[0].file.table)
        return _merge(lake, some, table.key if table else (MESSAGE_ID,))

    groups = list(_groups(files))
    with ThreadPoolExecutor(_THREADS) as pool:
        for some, new in zip(groups, pool.map(merge, groups), strict=True):
            for position, old in enumerate(some):
                yield Rewritten(old, None if position else new, 0)


def _groups(files: Iterable[HeldFile]) -> Iterator[list[HeldFile]]:
    small = sorted((one for one in files if one.file.bytes < SMALL_BYTES), key=_kind)
    for _, alike in groupby(small, key=_kind):
        some: list[HeldFile] = []
        for one in alike:
            if sum(own.file.bytes for own in some) + one.file.bytes > MERGED_BYTES:
                yield from [some] if len(some) > 1 else []
                some = []
            some.append(one)
        yield from [some] if len(some) > 1 else []


def _kind(one: HeldFile) -> tuple[str, tuple[tuple[str, str], ...]]:
    return one.file.table, tuple(one.columns.items())


def _merge(lake: LakeFolder, some: Sequence[HeldFile], key: Sequence[str]) -> HeldFile:
    rows = pa.concat_tables(pq.ParquetFile(lake.path_of(one.file.file)).read() for one in some)
    rows = rows.sort_by([(name, "ascending") for name in key])
    path = lake.path_of(some[0].file.file).with_name(f"{uuid.uuid4().hex}.parquet")
    pq.write_table(
        rows, path, compression="zstd", store_schema=False, row_group_size=_ROW_GROUP_ROWS
    )
    file = settled_file(some[0].file.table, path, lake.root)
    sync_folder(path.parent)
    return HeldFile(file, some[0].columns)
