"""The row store of a lake: typed rows in immutable Parquet files, and the versions that name them.

Layout below `HOME/lake`: `versions/<number>.json`, each written once and never changed; `data/` with
the rows of data models' tables and `book/` with rows for the book, which is the warehouse of the
home (ledger, core, quality). A file has a UUID for a name, and holds only if a version names it;
others are what killed work left. A lake holds what the files of its versions say, from the newest that
is whole on: each adds files, and drops those that hold no more.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from etl.atomic import own_folder, sync_folder
from etl.errors import PermanentError, UsageFault

FORMAT = 2
FORMATS = (1, FORMAT)
FOLDER = "lake"
DATA, BOOK, OUTCOMES = "data", "book", "outcomes"
VERSION_ROW = "lake_version"
"""The row of core.warehouse that says up to which version the book is."""
_WHOLE = '"is_whole": true'
_HEAD = 64
Columns = Mapping[str, Mapping[str, str]]


class Kind(StrEnum):
    """What a version did."""

    LOAD = "load"
    REPLAY = "replay"
    RESOLVE = "resolve"
    RELOAD = "reload"
    PURGE = "purge"
    COMPACT = "compact"


@dataclass(frozen=True, slots=True)
class LakeFile:
    """One Parquet file: its table, its path below the lake's folder, and what it holds."""

    table: str
    file: str
    rows: int
    bytes: int
    sha256: str

    @property
    def is_data(self) -> bool:
        """True for rows of a data model's table, false for those of the book."""
        return self.file.startswith(f"{DATA}/")


@dataclass(frozen=True, slots=True)
class Carried:
    """Files of versions before, in a version that is whole; `columns` as of a version."""

    columns: Columns
    files: tuple[LakeFile, ...]


@dataclass(frozen=True, slots=True)
class LakeVersion:
    """What one change added, and what it dropped.

    `tables` are files of data models' tables, `book` those whose rows belong to the book, `outcomes`
    the file that says what became of every item, "" without. `columns` are names and SQL types by
    table, in every file of `tables`. Ids are first_message_id <= id < next_message_id; times are UTC.
    `dropped` are files that hold no more: those whose rows were replaced, and what killed work left.

    A version that `is_whole` says everything: `carried` are the files of versions before that still
    hold, `book` is all that the book holds, `models` the data models that have tables in it, and
    nothing before it is read any more. `slice` is what a
    reload has replaced, `resolved` the items in quarantine that were closed.
    """

    version: int
    load_id: int
    first_message_id: int
    next_message_id: int
    started_at: str
    finished_at: str
    catalog_hash: str
    outcomes: str = ""
    tables: tuple[LakeFile, ...] = ()
    book: tuple[LakeFile, ...] = ()
    columns: Columns = field(default_factory=dict)
    kind: Kind = Kind.LOAD
    dropped: tuple[str, ...] = ()
    is_whole: bool = False
    models: tuple[str, ...] = ()
    carried: tuple[Carried, ...] = ()
    slice: int | None = None
    resolved: tuple[int, ...] = ()

    def files(self) -> Iterator[LakeFile]:
        """Every file of rows that it names."""
        yield from (*self.tables, *self.book)
        for group in self.carried:
            yield from group.files

    def names(self) -> set[str]:
        """Every file that it names, but those that it drops."""
        return {file.file for file in self.files()} | ({self.outcomes} if self.outcomes else set())


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file of a data model's table that holds, and the names and SQL types of its columns."""

    file: LakeFile
    columns: Mapping[str, str]


class LakeFolder:
    """The versions of one home's lake."""

    def __init__(self, home: Path) -> None:
        self.root = home / FOLDER
        self._versions = self.root / "versions"

    def is_there(self) -> bool:
        """True if the home is a lake."""
        return self._versions.is_dir()

    def make(self) -> None:
        """Make the home a lake."""
        own_folder(self._versions)

    def newest(self) -> int:
        """The number of the newest version, 0 before the first."""
        return max(self._numbers(), default=0)

    def oldest(self) -> int:
        """The number of the version from which on all are read: the newest that is whole, else 1."""
        numbers = sorted(self._numbers(), reverse=True)
        return next((number for number in numbers if self._is_whole(number)), 1)

    def read(self, version: int) -> LakeVersion:
        """A version; raises PermanentError when it is missing or of another release."""
        try:
            content = json.loads(self._path(version).read_text("utf-8"))
        except (OSError, ValueError):
            raise _unreadable(version) from None
        if content.pop("format", None) not in FORMATS:
            raise _unreadable(version)
        for name in ("tables", "book"):
            content[name] = _files(content[name])
        content["carried"] = tuple(
            Carried(group["columns"], _files(group["files"]))
            for group in content.get("carried", ())
        )
        for name in ("dropped", "models", "resolved"):
            content[name] = tuple(content.get(name, ()))
        return LakeVersion(**content | {"kind": Kind(content.get("kind", Kind.LOAD))})

    def read_until(self, version: int) -> Iterator[LakeVersion]:
        """All versions that hold up to one, ascending.

        Raises PermanentError where it is from before the newest whole one, and so forgotten.
        """
        oldest = self.oldest()
        if 0 < version < oldest:
            raise PermanentError(
                "The warehouse is older than its lake; run `redox-warehouse load`, which loads "
                "what the lake holds."
            )
        for number in range(oldest, version + 1):
            yield self.read(number)

    def held(self, version: int) -> list[HeldFile]:
        """The files of data models' tables that hold as of a version, the oldest first."""
        held: dict[str, HeldFile] = {}
        for one in self.read_until(version):
            for group in (*one.carried, Carried(one.columns, one.tables)):
                for file in group.files:
                    held[file.file] = HeldFile(file, group.columns[file.table])
            for name in one.dropped:
                held.pop(name, None)
        return list(held.values())

    def needed(self) -> set[str]:
        """Every file without which the newest version, or a book made again, would not be whole."""
        needed: set[str] = set()
        dropped: set[str] = set()
        for one in self.read_until(self.newest()):
            needed |= one.names()
            dropped |= set(one.dropped)
        return needed - dropped

    def put(self, version: LakeVersion) -> bool:
        """Commit a version: it appears whole, or not at all where its number is taken; then False."""
        temporary = self._versions / f".{version.version}-{secrets.token_hex(8)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(_text(version))
                file.flush()
                os.fsync(file.fileno())
            os.link(temporary, self._path(version.version))
        except FileExistsError:
            return False
        finally:
            temporary.unlink()
        sync_folder(self._versions)
        return True

    def path_of(self, file: str) -> Path:
        """Where a file that a version names is."""
        return self.root / file

    def present(self) -> set[str]:
        """Every file there is, named by a version or not."""
        return {
            path.relative_to(self.root).as_posix()
            for kind in (DATA, BOOK, OUTCOMES)
            for path in (self.root / kind).rglob("*.parquet")
        }

    def clean(self, version: LakeVersion) -> None:
        """Remove what a version has dropped, once the book is up to it; doing it twice is harmless."""
        for name in version.dropped:
            self.path_of(name).unlink(missing_ok=True)
        if version.is_whole:
            for number in self._numbers():
                if number < version.version:
                    self._path(number).unlink(missing_ok=True)

    def _numbers(self) -> list[int]:
        names = self._versions.glob("*.json") if self.is_there() else ()
        return [int(path.stem) for path in names if path.stem.isdigit()]

    def _is_whole(self, version: int) -> bool:
        """Read from the first bytes, as versions are large and asked often."""
        with self._path(version).open(encoding="utf-8") as file:
            return _WHOLE in file.read(_HEAD)

    def _path(self, version: int) -> Path:
        return self._versions / f"{version}.json"


def carry(held: Iterable[HeldFile]) -> tuple[Carried, ...]:
    """Files for a whole version: those of a table with the same columns in one group."""
    kinds: dict[str, list[Mapping[str, str]]] = {}
    groups: list[tuple[dict[str, Mapping[str, str]], list[LakeFile]]] = []
    for one in held:
        known = kinds.setdefault(one.file.table, [])
        if one.columns not in known:
            known.append(one.columns)
        number = known.index(one.columns)
        while len(groups) <= number:
            groups.append(({}, []))
        columns, files = groups[number]
        columns[one.file.table] = one.columns
        files.append(one.file)
    return tuple(Carried(columns, tuple(files)) for columns, files in groups)


def refuse_lake(home: Path) -> None:
    """Raise UsageFault for a home that is a lake."""
    if LakeFolder(home).is_there():
        raise UsageFault(
            "This home is a lake, which has no use for this command: `redox-warehouse load` or "
            "`spark-load` makes its warehouse again from the versions and adds to it."
        )


def _files(content: Iterable[Mapping[str, Any]]) -> tuple[LakeFile, ...]:
    return tuple(LakeFile(**one) for one in content)


def _text(version: LakeVersion) -> str:
    head = {"format": FORMAT, "is_whole": version.is_whole}
    return json.dumps(head | asdict(version), indent=1)


def _unreadable(version: int) -> PermanentError:
    return PermanentError(
        f"Version {version} of the lake is missing or of another release; restore "
        f"HOME/{FOLDER}/versions from a backup."
    )
