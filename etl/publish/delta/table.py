"""Registers one table: what the version holds and the Delta table does not is added, the rest removed.

Adding and removing are one commit, with `txn(redox-warehouse, version)`. Add actions carry the
number of rows and nothing else: minima and maxima of columns would be names and birth dates in a log
that no vacuum cleans. A table that has the version's files already gets no commit.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.exceptions import TableNotFoundError
from deltalake.transaction import AddAction, RemoveAction, create_table_with_add_actions

from etl.errors import PermanentError
from etl.publish.delta.columns import COMMENT, changed_comments, shape_of
from etl.publish.delta.place import Place
from etl.publish.manifest import EMPTY, Part

APPLICATION = "redox-warehouse"
NO_COLUMN_STATISTICS = {"delta.dataSkippingNumIndexedCols": "0"}
_DIGITS = 32
_FILE = re.compile(rf"(?P<part>.+)-(?P<version>\d+)-(?P<content>[0-9a-f]{{{_DIGITS}}})\.parquet")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a table is to hold: the parts, which are files of `folder`, and how it is declared."""

    name: str
    folder: Path
    parts: tuple[Part, ...] = ()
    schema: Schema | None = None
    comment: str = ""

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)


@dataclass(frozen=True, slots=True)
class Registered:
    """A table as it is afterwards; `delta_version` is the newest commit of its log."""

    name: str
    delta_version: int
    rows: int = 0
    files: int = 0
    added: int = 0
    removed: int = 0
    is_changed: bool = False


def open_table(place: Place, name: str) -> DeltaTable | None:
    """A table as it is now, None where there is none."""
    try:
        return DeltaTable(place.uri_of(name), storage_options=place.options)
    except TableNotFoundError:
        return None


def commit_of(version: int) -> CommitProperties:
    """What names our version in a commit."""
    return CommitProperties(app_transactions=[Transaction(APPLICATION, version)])


def add_action(file: str, size_bytes: int, rows: int) -> AddAction:
    """The action that adds a file, with its number of rows as the only statistic."""
    return AddAction(file, size_bytes, {}, now_ms(), True, json.dumps({"numRecords": rows}))


def remove_action(file: str, size_bytes: int) -> RemoveAction:
    """The action that takes a file out of the newest state; the file itself stays."""
    return RemoveAction(file, True, now_ms(), size=size_bytes, partition_values={})


def now_ms() -> int:
    """Milliseconds since 1970, the unit of Delta's log."""
    return time.time_ns() // 1_000_000


class TableRegistration:
    """One table and one version of ours."""

    def __init__(self, place: Place, wanted: Wanted, version: int) -> None:
        self._place = place
        self._wanted = wanted
        self._version = version

    def register(self) -> Registered:
        """Let the Delta table hold what the version holds, at once.

        Raises PermanentError when it is ahead of the version or a published file is gone.
        """
        there = open_table(self._place, self._wanted.name)
        if there is None:
            return self._create()
        self._require_not_ahead(there)
        before = there.version()
        added, removed = self._commit(there)
        self._describe(there)
        return Registered(
            self._wanted.name,
            there.version(),
            self._wanted.rows,
            len(self._filled()),
            added,
            removed,
            is_changed=there.version() != before,
        )

    def _create(self) -> Registered:
        adds = [self._add(part) for part in self._filled()]
        create_table_with_add_actions(
            self._place.uri_of(self._wanted.name),
            self._schema(),
            adds,
            name=self._wanted.name,
            description=self._wanted.comment or None,
            configuration=NO_COLUMN_STATISTICS,
            storage_options=self._place.options,
            commit_properties=commit_of(self._version),
        )
        return Registered(
            self._wanted.name, 0, self._wanted.rows, len(adds), len(adds), is_changed=True
        )

    def _commit(self, there: DeltaTable) -> tuple[int, int]:
        active = _active(there)
        kept = {_content(file): file for file in active}
        wanted = {(part.part, self._content(part)): part for part in self._filled()}
        schema = self._wanted.schema or there.schema()
        is_reshaped = shape_of(schema) != shape_of(there.schema())
        new = [part for content, part in wanted.items() if is_reshaped or content not in kept]
        old = [file for file in active if is_reshaped or _content(file) not in wanted]
        if not (new or old or is_reshaped):
            return 0, 0
        adds = [self._add(part) for part in new]
        removes = [] if is_reshaped else [remove_action(file, active[file]) for file in old]
        there.create_write_transaction(
            [*adds, *removes],
            "overwrite" if is_reshaped else "append",
            schema,
            commit_properties=commit_of(self._version),
        )
        there.update_incremental()
        return len(adds), len(old)

    def _describe(self, there: DeltaTable) -> None:
        """Write the comments that differ, each in a commit of its own: deltalake has no other way."""
        if self._wanted.schema is None:
            return
        comments = changed_comments(self._wanted.schema, there.schema())
        for column, comment in comments.items():
            there.alter.set_column_metadata(column, {COMMENT: comment})
        is_renamed = (there.metadata().description or "") != self._wanted.comment
        if is_renamed:
            there.alter.set_table_description(self._wanted.comment)
        if comments or is_renamed:
            there.update_incremental()

    def _require_not_ahead(self, there: DeltaTable) -> None:
        registered = there.transaction_version(APPLICATION)
        if registered is not None and registered > self._version:
            raise PermanentError(
                f"The Delta table {self._wanted.name} holds version {registered}, which is newer "
                f"than version {self._version} of this home; give another folder."
            )

    def _filled(self) -> list[Part]:
        """The parts with rows; a Delta table without rows needs no file."""
        return [part for part in self._wanted.parts if part.has_file and part.part != EMPTY]

    def _schema(self) -> Schema:
        if self._wanted.schema is None:
            raise PermanentError("A table without columns cannot be made; report this.")
        return self._wanted.schema

    def _content(self, part: Part) -> str:
        return (part.sha256 or _sha256(self._source(part)))[:_DIGITS]

    def _source(self, part: Part) -> Path:
        return self._wanted.folder / part.file_name

    def _add(self, part: Part) -> AddAction:
        """The action for a part, whose file is in place from now on."""
        file = f"{part.part}-{self._version}-{self._content(part)}.parquet"
        source = self._source(part)
        try:
            self._place.put(source, self._wanted.name, file)
        except FileNotFoundError:
            raise PermanentError(
                f"A file of version {self._version} is gone; publish again, and raise "
                "publish.keep_versions if versions are removed while they are copied."
            ) from None
        return add_action(file, part.bytes, part.rows)


def drop_old_files(place: Place, table: str, *, older_than_h: float) -> int:
    """Delete the files that the newest state does not name and that left it so many hours ago.

    Files that a killed registration left behind are among them. No commit is written for it. Gives
    how many were deleted; older states of the table that named them cannot be read any more.
    """
    there = open_table(place, table)
    if there is None:
        return 0
    files = there.vacuum(
        int(older_than_h), dry_run=True, enforce_retention_duration=False, full=True
    )
    for file in files:
        place.remove(table, file)
    return len(files)


def _active(there: DeltaTable) -> dict[str, int]:
    """Names and sizes of the files that the newest state names."""
    actions = there.get_add_actions(flatten=True)
    paths: Iterator[str] = (str(path) for path in actions["path"].to_pylist())
    return dict(zip(paths, actions["size_bytes"].to_pylist(), strict=True))


def _content(file: str) -> tuple[str, str]:
    """The part that a file holds and its content's hash; a file of other making is no part."""
    match = _FILE.fullmatch(file)
    return (match["part"], match["content"]) if match else ("", file)


def _sha256(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
