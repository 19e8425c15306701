"""The listing of one backup: which files there were, and of which chunks each is made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from etl.errors import PermanentError, UsageFault
from etl.pipeline.backup.store import BACKUPS, Place, list_backups

FORMAT = 1
_NAME = "%Y%m%dT%H%M%S%fZ"


@dataclass(frozen=True, slots=True)
class Saved:
    """One file of a home; `path` is relative to it. A link has a target and no chunks.

    `size`, `mtime_ns` and `inode` are those of the file when it was read: where they are the same
    next time, it is not read again.
    """

    path: str
    mode: int
    size: int
    mtime_ns: int
    inode: int
    chunks: tuple[str, ...] = ()
    target: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """One backup; `made_at` is ISO 8601 in UTC."""

    name: str
    made_at: str
    release: str
    files: tuple[Saved, ...]

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(saved.size for saved in self.files)

    def chunks(self) -> Iterator[str]:
        """Every chunk that is needed."""
        for saved in self.files:
            yield from saved.chunks


def name_after(names: list[str], at: datetime) -> str:
    """The name of a backup made now: its time, or just after the newest where the clock went back.

    The newest by name is what is restored, and the oldest are those that are forgotten.
    """
    if names and f"{at:{_NAME}}" <= names[-1]:
        newest = datetime.strptime(names[-1], _NAME).replace(tzinfo=UTC)
        at = newest + timedelta(microseconds=1)
    return f"{at:{_NAME}}"


def write_listing(place: Place, listing: Listing) -> None:
    """Let a backup appear."""
    content = {"format": FORMAT, **asdict(listing)}
    place.write(f"{BACKUPS}/{listing.name}.json", json.dumps(content).encode())


def read_listing(place: Place, name: str = "") -> Listing:
    """A backup by its name, the newest without one; raises UsageFault where there is none."""
    names = list_backups(place)
    if not names or (name and name not in names):
        raise UsageFault("There is no such backup; see `redox-warehouse restore --list`.")
    try:
        content = json.loads(place.read(f"{BACKUPS}/{name or names[-1]}.json"))
        files = tuple(
            Saved(**{**saved, "chunks": tuple(saved["chunks"])}) for saved in content["files"]
        )
        if content["format"] != FORMAT:
            raise ValueError
        return Listing(content["name"], content["made_at"], content["release"], files)
    except (ValueError, KeyError, TypeError):
        raise PermanentError(
            "The listing of the backup is damaged; use another (`restore --list`)."
        ) from None
