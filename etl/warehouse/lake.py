"""The row store of a lake: typed rows in immutable Parquet files, and the versions that name them.

Layout below `HOME/lake`: `versions/<number>.json`, each written once and never changed; `data/` with
the rows of data models' tables and `book/` with rows for the book, which is the warehouse of the
home (ledger, core, quality). A file has a UUID for a name, and holds only if a version names it;
others are what killed work left. What a version holds is what it and all before it name.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from etl.atomic import sync_folder
from etl.errors import PermanentError, UsageFault

FORMAT = 1
FOLDER = "lake"
DATA, BOOK = "data", "book"
VERSION_ROW = "lake_version"
"""The row of core.warehouse that says up to which version the book is."""


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
class LakeVersion:
    """What one load added.

    `tables` are files of data models' tables, `book` those whose rows belong to the book, `outcomes`
    the file that says what became of every item. `columns` are names and SQL types by table, in
    every file of this version. Ids are first_message_id <= id < next_message_id; times are UTC.
    """

    version: int
    load_id: int
    first_message_id: int
    next_message_id: int
    started_at: str
    finished_at: str
    catalog_hash: str
    outcomes: str
    tables: tuple[LakeFile, ...] = ()
    book: tuple[LakeFile, ...] = ()
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


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
        self._versions.mkdir(parents=True, exist_ok=True, mode=0o700)

    def newest(self) -> int:
        """The number of the newest version, 0 before the first."""
        names = self._versions.glob("*.json") if self.is_there() else ()
        return max((int(path.stem) for path in names if path.stem.isdigit()), default=0)

    def read(self, version: int) -> LakeVersion:
        """A version; raises PermanentError when it is missing or of another release."""
        try:
            content = json.loads(self._path(version).read_text("utf-8"))
        except (OSError, ValueError):
            raise _unreadable(version) from None
        if content.pop("format", None) != FORMAT:
            raise _unreadable(version)
        for name in ("tables", "book"):
            content[name] = tuple(LakeFile(**one) for one in content[name])
        return LakeVersion(**content)

    def read_until(self, version: int) -> Iterator[LakeVersion]:
        """All versions up to one, ascending."""
        for number in range(1, version + 1):
            yield self.read(number)

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

    def _path(self, version: int) -> Path:
        return self._versions / f"{version}.json"


def refuse_lake(home: Path) -> None:
    """Raise UsageFault for a home that is a lake."""
    if LakeFolder(home).is_there():
        raise UsageFault(
            "This home is a lake: its rows are files that only `redox-warehouse spark-load` adds to; "
            "use that, or another home."
        )


def load_command(home: Path) -> str:
    """The command that loads into a home: of the two, the one that it does not refuse."""
    name = "spark-load" if LakeFolder(home).is_there() else "load"
    return f"`redox-warehouse {name}`"


def _text(version: LakeVersion) -> str:
    content: dict[str, Any] = {"format": FORMAT, **asdict(version)}
    return json.dumps(content, indent=1)


def _unreadable(version: int) -> PermanentError:
    return PermanentError(
        f"Version {version} of the lake is missing or of another release; restore "
        f"HOME/{FOLDER}/versions from a backup."
    )
