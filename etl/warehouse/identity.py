"""The identity of the last commit, by which a lost or restored part of a home is noticed at once.

Every commit has a random epoch. It is stored with the ledger's sums in the warehouse, in
`HOME/commit.json` beside it and in `HOME/landing/commit.json`. Both files name the commit as
intended before it happens and as done after it, so that a process killed anywhere in between leaves
parts that still belong together. Only what comes from another time, such as a backup, does not: then
`check` raises, and `redox-warehouse recover` continues from what is there.

A writer calls `settle` once its connection is open, and `commit` in place of its own commit
(`begin` and `end` are its two halves). Readers call `check`, which writes nothing.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from etl.atomic import replacing
from etl.errors import PermanentError
from etl.warehouse.connection import open_warehouse
from etl.warehouse.lake import LakeFolder, refuse_lake

FILE_NAME = "commit.json"
WAREHOUSE_FILE = "warehouse.duckdb"
LANDING = "landing"
ROW_NAME = "commit"
_IS_THERE = "select count(*) from duckdb_tables() where schema_name = 'core' and table_name = ?"
_STORED = "select value from core.warehouse where name = ?"
_SUMS = """
select
    coalesce(max(load_id), 0),
    coalesce(sum(received), 0),
    coalesce(sum(replayed), 0),
    coalesce(sum(loaded), 0),
    coalesce(sum(duplicate), 0),
    coalesce(sum(quarantined), 0),
    (select coalesce(max(value::bigint), 0) from core.warehouse where name = 'next_message_id'),
    (select coalesce(max(quarantine_id), 0) from core.quarantine)
from core.load
"""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit: its random epoch, and the ledger as it stood after it."""

    epoch: str
    load_id: int
    received: int
    replayed: int
    loaded: int
    duplicate: int
    quarantined: int
    next_message_id: int
    quarantine_id: int


@dataclass(frozen=True, slots=True)
class Note:
    """What one of the two files says: the last commit done, and the one that was intended then."""

    done: Commit | None = None
    intent: Commit | None = None

    @property
    def newest(self) -> Commit | None:
        return self.intent or self.done

    def knows(self, commit: Commit) -> bool:
        """True if the commit may be the last one, seen from here."""
        return any(one and one.epoch == commit.epoch for one in (self.done, self.intent))


@contextmanager
def open_for_change(home: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse of a home for writing, once its parts are found to belong together.

    Raises UsageFault for a lake, whose rows are elsewhere.
    """
    refuse_lake(home)
    with open_warehouse(home / WAREHOUSE_FILE, read_only=False) as connection:
        settle(connection, home)
        yield connection


def commit(connection: duckdb.DuckDBPyConnection, home: Path) -> Commit:
    """Commit the open transaction under an identity of its own; the caller holds the write lock."""
    made = begin(connection, home)
    connection.execute("commit")
    end(made, home)
    return made


def begin(connection: duckdb.DuckDBPyConnection, home: Path) -> Commit:
    """Store the identity in the open transaction, and its intent beside; then commit at once."""
    row = connection.execute(_SUMS).fetchall()[0]
    load_id, received, replayed, loaded, duplicate, quarantined, message_id, quarantine_id = map(
        int, row
    )
    made = Commit(
        epoch=secrets.token_hex(16),
        load_id=load_id,
        received=received,
        replayed=replayed,
        loaded=loaded,
        duplicate=duplicate,
        quarantined=quarantined,
        next_message_id=message_id,
        quarantine_id=quarantine_id,
    )
    before = stored_commit(connection)
    connection.execute("delete from core.warehouse where name = ?", [ROW_NAME])
    connection.execute("insert into core.warehouse values (?, ?)", [ROW_NAME, _text(made)])
    _write(home, Note(done=before, intent=made))
    return made


def end(made: Commit, home: Path) -> None:
    """Note that the commit happened."""
    _write(home, Note(done=made))


def settle(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    """Raise PermanentError unless all parts belong together; finish what a killed commit began."""
    check(connection, home)
    stored = stored_commit(connection)
    if stored is not None and any(note != Note(done=stored) for note in notes_of(home).values()):
        _write(home, Note(done=stored))


def adopt(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    """Let the files beside say what the warehouse holds, whatever they said: for a warehouse that can
    be made again, and is then neither older nor newer than what it is made from."""
    stored = stored_commit(connection)
    if any(note != Note(done=stored) for note in notes_of(home).values()):
        _write(home, Note(done=stored))


def check(connection: duckdb.DuckDBPyConnection, home: Path) -> None:
    """Raise PermanentError unless the warehouse is what was committed last; writes nothing.

    A file that is missing or damaged is no sign of another time: the other one answers.
    """
    stored = stored_commit(connection)
    for place, note in notes_of(home).items():
        if note is None or note.newest is None or (stored is None and note.done is None):
            continue
        if stored is None or not note.knows(stored):
            raise _mismatch(home, place, note.newest, stored)


def require_no_warehouse(home: Path) -> None:
    """Raise PermanentError when a warehouse is missing that was there before."""
    for note in notes_of(home).values():
        if note is not None and note.done is not None:
            raise PermanentError(
                f"The warehouse is missing, but {note.done.loaded:,} messages were loaded into it; put "
                f"{WAREHOUSE_FILE} back, or {_way_to_build(home)}."
            )


def fault_beside(home: Path) -> str:
    """What the files beside the warehouse say is wrong, without opening it; "" where nothing is.

    An older warehouse in its place is not seen: only opening it can show that. A lake has no such
    fault: whatever its warehouse is of, the next load makes it follow the versions.
    """
    if LakeFolder(home).is_there():
        return ""
    if not (home / WAREHOUSE_FILE).exists():
        try:
            require_no_warehouse(home)
        except PermanentError as error:
            return str(error)
    ours, theirs = notes_of(home).values()
    if ours is None or theirs is None or ours.newest is None or theirs.newest is None:
        return ""
    if any(theirs.knows(one) for one in (ours.done, ours.intent) if one):
        return ""
    return str(_mismatch(home, LANDING, theirs.newest, ours.newest))


def notes_of(home: Path) -> dict[str, Note | None]:
    """What both files say, by place; None for one that is missing or damaged."""
    return {place: _read(path) for place, path in _places(home).items()}


def stored_commit(connection: duckdb.DuckDBPyConnection) -> Commit | None:
    """The identity that the warehouse itself holds, None before the first."""
    if connection.execute(_IS_THERE, ["warehouse"]).fetchall() != [(1,)]:
        return None
    row = connection.execute(_STORED, [ROW_NAME]).fetchone()
    return Commit(**json.loads(row[0])) if row else None


def _mismatch(home: Path, place: str, noted: Commit, stored: Commit | None) -> PermanentError:
    ours = stored.load_id if stored else 0
    if noted.load_id > ours:
        older = f"the warehouse ends at load {ours}, {place} knows load {noted.load_id}"
    elif noted.load_id < ours:
        older = f"{place} ends at load {noted.load_id}, the warehouse at load {ours}"
    else:
        older = f"the warehouse and {place} end at another load {ours}"
    return PermanentError(
        f"Parts of the home come from different times ({older}); restore the missing part, or "
        f"{way_to_continue(home)}."
    )


def way_to_continue(home: Path) -> str:
    """What continues from what is there; a lake's warehouse takes what its versions name."""
    if LakeFolder(home).is_there():
        return "run `redox-warehouse load`, which loads what the lake holds"
    return "run `redox-warehouse recover` to continue from what exists"


def _way_to_build(home: Path) -> str:
    if LakeFolder(home).is_there():
        return "run `redox-warehouse load`, which builds it from the lake"
    return "run `redox-warehouse recover` to build it from landing"


def _places(home: Path) -> dict[str, Path]:
    return {FILE_NAME: home / FILE_NAME, LANDING: home / LANDING / FILE_NAME}


def _read(path: Path) -> Note | None:
    try:
        content = json.loads(path.read_text("utf-8"))
        named = {name: Commit(**content[name]) for name in ("done", "intent") if content[name]}
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Note(**named)


def _write(home: Path, note: Note) -> None:
    text = json.dumps(asdict(note), indent=1)
    for path in _places(home).values():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        with replacing(path) as file:
            file.write(text.encode())


def _text(made: Commit) -> str:
    return json.dumps(asdict(made))
