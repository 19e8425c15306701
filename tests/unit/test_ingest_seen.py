"""The seen list: whole at any time, and what is new is what differs from it."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from etl.errors import DiskFull
from etl.sources.files import SourceFile
from etl.sources.seen import SeenEntry, read_seen, unseen, write_seen

FIRST = SeenEntry("a", 10, 100, "", "0" * 64)
SECOND = SeenEntry("s3://b/c", 20, 0, "tag", "1" * 64)


def test_entries_come_back(tmp_path: Path) -> None:
    path = tmp_path / "seen.parquet"
    assert read_seen(path) == []
    for entries in ([FIRST, SECOND], [], [SECOND]):
        write_seen(path, entries)
        assert read_seen(path) == entries
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("source", "is_new"),
    [
        (SourceFile("a", 10, 100), False),
        (SourceFile("a", 11, 100), True),
        (SourceFile("a", 10, 101), True),
        (SourceFile("b", 10, 100), True),
        (SourceFile("s3://b/c", 20, 0, "tag"), False),
        (SourceFile("s3://b/c", 20, 0, "gat"), True),
    ],
)
def test_what_is_new_or_changed_is_unseen(source: SourceFile, is_new: bool) -> None:
    assert list(unseen([source], [FIRST, SECOND])) == ([source] if is_new else [])


def test_a_full_disk_keeps_the_old_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "seen.parquet"
    write_seen(path, [FIRST])

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq, "write_table", fail)
    with pytest.raises(DiskFull, match="free space"):
        write_seen(path, [SECOND])
    assert read_seen(path) == [FIRST]
    assert list(tmp_path.iterdir()) == [path]


def test_a_damaged_list_heals_and_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "seen.parquet"
    path.write_bytes(b"PAR1 no")
    assert read_seen(path) == []
    assert "written again" in caplog.text
    write_seen(path, [FIRST])
    assert read_seen(path) == [FIRST]
