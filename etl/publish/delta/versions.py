"""The table `published.version`: which commit of which Delta table belongs to a version of ours.

One row per version and table; key version, table_schema, table_name; one file per version. Its rows
are added after all tables are registered, so that a version that is here is whole. Versions whose
files may be deleted by now are taken out in the same commit.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet
from deltalake import DeltaTable
from deltalake.transaction import AddAction, create_table_with_add_actions

from etl.errors import PermanentError
from etl.publish.delta.columns import declared
from etl.publish.delta.place import Place
from etl.publish.delta.table import (
    NO_COLUMN_STATISTICS,
    Registered,
    add_action,
    commit_of,
    now_ms,
    open_table,
    remove_action,
)
from etl.publish.manifest import Manifest

NAME = "published.version"
_COMMENT = (
    "One row per published version and table: the version of the Delta table that holds it; "
    "key version, table_schema, table_name"
)
_COLUMNS = (
    ("version", "BIGINT", "Number of the published version"),
    ("created_at", "TIMESTAMP WITH TIME ZONE", "When the version was published"),
    ("registered_at", "TIMESTAMP WITH TIME ZONE", "When it was registered here"),
    ("home", "VARCHAR", "Random id of the home that publishes here"),
    ("first_load_id", "BIGINT", "First load that it covers"),
    ("last_load_id", "BIGINT", "Last load that it covers"),
    ("table_schema", "VARCHAR", "Schema of the table"),
    ("table_name", "VARCHAR", "Name of the table"),
    ("delta_version", "BIGINT", "Version of the Delta table; read it with VERSION AS OF"),
    ("row_count", "BIGINT", "Rows of the table in this version"),
)
_ARROW = {
    "BIGINT": pa.int64(),
    "VARCHAR": pa.string(),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", tz="UTC"),
}
_HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest version that is registered whole, and the home it is from."""

    version: int
    created_at: datetime
    home: str


class Versions:
    """The table of versions at a place."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def require_may_follow(self, manifest: Manifest, home: str) -> None:
        """Raise PermanentError unless a version of a home may be registered now."""
        newest = self.newest()
        if newest is None:
            return
        if newest.home != home:
            raise PermanentError(
                "The Delta tables at the target are of another home; give another folder, or "
                "remove them first."
            )
        is_same = newest.version == manifest.version
        if newest.version > manifest.version or (
            is_same and newest.created_at != datetime.fromisoformat(manifest.created_at)
        ):
            raise PermanentError(
                f"The Delta tables at the target hold version {newest.version}, which is not "
                f"older than version {manifest.version} of this home; give another folder, or "
                "remove them first."
            )

    def newest(self) -> Newest | None:
        """What is registered now, None before the first version."""
        there = open_table(self._place, NAME)
        files = _files(there) if there else {}
        if there is None or not files:
            return None
        newest = max(files, key=_version_of)
        rows = pa_parquet.read_table(
            newest,
            columns=["version", "created_at", "home"],
            filesystem=there.to_pyarrow_dataset().filesystem,
        )
        row = rows.slice(0, 1).to_pylist()[0]
        return Newest(row["version"], row["created_at"], row["home"])

    def add(
        self, manifest: Manifest, tables: Sequence[Registered], home: str, *, keep_h: float
    ) -> bool:
        """Note a version, once; False when it is here already."""
        there = open_table(self._place, NAME)
        files = _files(there) if there else {}
        is_new = all(_version_of(file) != manifest.version for file in files)
        old = _unreadable(files, is_followed=is_new, before_ms=now_ms() - keep_h * _HOUR_MS)
        adds = [self._write(manifest, tables, home)] if is_new else []
        if there is None:
            self._create(adds, manifest)
        elif adds or old:
            there.create_write_transaction(
                [*adds, *(remove_action(file, files[file][0]) for file in old)],
                "append",
                there.schema(),
                commit_properties=commit_of(manifest.version),
            )
        return is_new

    def _create(self, adds: list[AddAction], manifest: Manifest) -> None:
        create_table_with_add_actions(
            self._place.uri_of(NAME),
            declared(
                {name: kind for name, kind, _ in _COLUMNS},
                {name: comment for name, _, comment in _COLUMNS},
            ),
            adds,
            name=NAME,
            description=_COMMENT,
            configuration=NO_COLUMN_STATISTICS,
            storage_options=self._place.options,
            commit_properties=commit_of(manifest.version),
        )

    def _write(self, manifest: Manifest, tables: Sequence[Registered], home: str) -> AddAction:
        """The action for a version's file, whose name no earlier attempt can have used."""
        file = f"version-{manifest.version}-{uuid.uuid4().hex}.parquet"
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / file
            rows = _rows(manifest, tables, home)
            pa_parquet.write_table(rows, path, compression="zstd", write_statistics=False)
            self._place.put(path, NAME, file)
            return add_action(file, path.stat().st_size, rows.num_rows)


def _files(there: DeltaTable) -> dict[str, tuple[int, int]]:
    """Size and time of adding, in milliseconds since 1970, of the files of the newest state."""
    actions = there.get_add_actions(flatten=True)
    names, sizes, times = (
        actions[name].to_pylist() for name in ("path", "size_bytes", "modification_time")
    )
    return dict(zip(names, zip(sizes, times, strict=True), strict=True))


def _unreadable(
    files: Mapping[str, tuple[int, int]], *, is_followed: bool, before_ms: float
) -> list[str]:
    """The files of versions that others followed before a time: their data may be deleted.

    `is_followed` says that one more version follows the newest just now.
    """
    ordered = sorted(files, key=_version_of)
    followed_ms = [files[file][1] for file in ordered[1:]] + [now_ms()] * is_followed
    return [
        file for file, ended_ms in zip(ordered, followed_ms, strict=False) if ended_ms <= before_ms
    ]


def _version_of(file: str) -> int:
    return int(file.split("-")[1])


def _rows(manifest: Manifest, tables: Sequence[Registered], home: str) -> pa.Table:
    loads = manifest.load_ids
    common = (
        manifest.version,
        datetime.fromisoformat(manifest.created_at),
        datetime.now(UTC),
        home,
        loads.first,
        loads.last,
    )
    rows = [
        (*common, *table.name.split("."), table.delta_version, table.rows)
        for table in sorted(tables, key=lambda one: one.name)
    ]
    fields = [pa.field(name, _ARROW[kind]) for name, kind, _ in _COLUMNS]
    columns = list(zip(*rows, strict=True))
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, fields, strict=True)],
        schema=pa.schema(fields),
    )
