"""Walks local folders: every file in them, and everything that is left out, with its reason.

One bad entry never hides the others: what cannot be read, leads nowhere or round in circles is left
out and reported. Linked folders are read, each folder once. A name that is not UTF-8 becomes a file
URL, which any column and log can hold and which leads back to the file.
"""

from __future__ import annotations

import csv
import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

HIDDEN: Final = (".", "_")
UNFINISHED: Final = (
    ".tmp", ".temp", ".part", ".partial", ".open", ".crdownload", ".filepart", "~",
)  # fmt: skip
_FILE_URL: Final = "file://"


class Reason(StrEnum):
    """Why an entry is left out."""

    HIDDEN = "its name begins with . or _"
    UNFINISHED = "its name says that it is not complete"
    FOREIGN = "a kind of file that holds no messages"
    OWN = "a folder of the home"
    NO_ACCESS = "access is refused"
    LOOP = "a link that leads to itself"
    DANGLING = "a link that leads nowhere"
    SEEN = "a folder that is read already"
    SPECIAL = "a device, pipe or socket"
    GONE = "gone since it was listed"
    UNREADABLE = "it cannot be read"


TROUBLE: Final = frozenset(
    {Reason.NO_ACCESS, Reason.LOOP, Reason.DANGLING, Reason.SPECIAL, Reason.UNREADABLE}
)
"""Reasons that a person should look at; the others are how folders are."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An entry that is not taken; its URI may hold a patient's name."""

    uri: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file or object: where it is and by what a change of it is noticed.

    `mtime_ns` is 0 where the store does not tell it; `etag` is "" where there is none.
    """

    uri: str
    size: int
    mtime_ns: int
    etag: str = ""


@cache
def foreign_endings() -> frozenset[str]:
    """How names of files end that hold no messages; a folder of exports often holds some of them."""
    text = resources.files("etl.sources").joinpath("foreign_kinds.csv").read_text("utf-8")
    return frozenset(row["extension"] for row in csv.DictReader(text.splitlines()))


def uri_of(path: Path | str) -> str:
    """The URI of a local path: the absolute path, or a file URL when its name is not UTF-8."""
    text = os.path.abspath(path)  # noqa: PTH100 - resolves no links
    try:
        text.encode()
    except UnicodeEncodeError:
        return _FILE_URL + quote_from_bytes(os.fsencode(text))
    return text


def path_of(uri: str) -> Path | None:
    """The local path of a URI, None when it is no local one."""
    if uri.startswith(f"{_FILE_URL}/"):
        return Path(os.fsdecode(unquote_to_bytes(uri.removeprefix(_FILE_URL))))
    return None if "://" in uri else Path(uri)


@dataclass(slots=True)
class Walk:
    """The files below one path; `home` is the home, whose folders are never read but `incoming`."""

    leave_out: Callable[[LeftOut], None]
    home: Path | None = None
    take_all: bool = False
    _read: set[tuple[int, int]] = field(default_factory=set)

    def files(self, path: Path, names: tuple[str, ...] = ()) -> Iterator[SourceFile]:
        """The file at a path, or every file below it; `names` lead to it from what was asked for."""
        try:
            status = path.stat()
        except OSError as error:
            self._leave(path, _reason_of(error, path))
            return
        if stat.S_ISDIR(status.st_mode):
            yield from self._folder(path, status, names)
        elif not stat.S_ISREG(status.st_mode) and (names or not stat.S_ISFIFO(status.st_mode)):
            self._leave(path, Reason.SPECIAL)
        elif (reason := self.reason_by_name(names)) is not None:
            self._leave(path, reason)
        else:
            yield SourceFile(uri_of(path), status.st_size, status.st_mtime_ns)

    def reason_by_name(self, names: Sequence[str]) -> Reason | None:
        """Why a file that was found, not named, is left out for its name."""
        if any(name.startswith(HIDDEN) for name in names):
            return Reason.HIDDEN
        if not names:
            return None
        last = names[-1].lower()
        if last.endswith(UNFINISHED):
            return Reason.UNFINISHED
        is_foreign = not self.take_all and last.rpartition(".")[2] in foreign_endings()
        return Reason.FOREIGN if is_foreign and "." in last else None

    def _folder(
        self, folder: Path, status: os.stat_result, names: tuple[str, ...]
    ) -> Iterator[SourceFile]:
        if self._is_own(folder):
            self._leave(folder, Reason.OWN)
            return
        identity = (status.st_dev, status.st_ino)
        if identity in self._read:
            self._leave(folder, Reason.LOOP if _leads_up(folder) else Reason.SEEN)
            return
        self._read.add(identity)
        try:
            with os.scandir(folder) as entries:
                found = sorted(entries, key=lambda entry: (entry.is_symlink(), entry.name))
        except OSError as error:
            self._leave(folder, _reason_of(error, folder))
            return
        for entry in found:
            yield from self.files(folder / entry.name, (*names, entry.name))

    def _is_own(self, folder: Path) -> bool:
        if self.home is None:
            return False
        home = self.home.resolve()
        inside = folder.resolve()
        if not inside.is_relative_to(home):
            return False
        return inside.relative_to(home).parts[:1] != ("incoming",)

    def _leave(self, path: Path, reason: Reason) -> None:
        self.leave_out(LeftOut(uri_of(path), reason))


def _leads_up(folder: Path) -> bool:
    """True if a folder is a link to one that it is in."""
    return folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve())


def _reason_of(error: OSError, path: Path) -> Reason:
    if isinstance(error, PermissionError):
        return Reason.NO_ACCESS
    if error.errno == errno.ELOOP:
        return Reason.LOOP
    if isinstance(error, FileNotFoundError):
        return Reason.DANGLING if path.is_symlink() else Reason.GONE
    return Reason.UNREADABLE
