"""The journal: whatever moment a crash picks, each reply is handed over and counted once."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from etl.errors import DiskFull, PermanentError
from etl.pipeline.pull import write_segment
from etl.pull import spool as spool_module
from etl.pull.journal import Journal, read_answered
from etl.pull.records import KeptReply
from etl.pull.spool import read_spool


class Crash(BaseException):
    """Stands for the end of the process."""


class Handed:
    """A sink that remembers; it dies before or after its work when told to."""

    def __init__(self) -> None:
        self.bodies: dict[tuple[bytes, ...], int] = {}
        self.dies = ""

    def __call__(self, replies: Iterable[KeptReply]) -> None:
        if self.dies == "before":
            raise Crash
        bodies = tuple(reply.body for reply in replies)
        self.bodies[bodies] = self.bodies.get(bodies, 0) + 1
        if self.dies == "after":
            raise Crash


def make_reply(number: int, *, errors: int = 0, body: bytes = b"") -> KeptReply:
    return KeptReply(
        f"key{number}", 1_700_000_000_000_000 + number, errors, body or b"{%d}" % number
    )


def open_journal(folder: Path, sink: Any) -> Journal:
    return Journal(folder, sink=sink, segment_bytes=10_000, segment_age_s=60)


@pytest.mark.parametrize("dies", ["before", "after"])
def test_a_crash_while_handing_over_is_repaired(dies: str, tmp_path: Path) -> None:
    sink = Handed()
    sink.dies = dies
    with pytest.raises(Crash), open_journal(tmp_path, sink) as journal:
        journal.keep(make_reply(1))
        journal.keep(make_reply(2, errors=3))
    sink.dies = ""
    with open_journal(tmp_path, sink) as journal:
        assert journal.answered == {"key1": 0, "key2": 3}
        assert journal.recovered == 2
    assert list(sink.bodies) == [(b"{1}", b"{2}")]
    assert (tmp_path / "replies.spool").stat().st_size == 0


def test_a_hand_over_repeated_makes_the_same_segment(tmp_path: Path) -> None:
    replies = [make_reply(1), make_reply(2)]
    write_segment(replies, tmp_path)
    write_segment(replies, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("body", [b"{}", b"\n{}\n", b"", b'{"key":"x"}\n' * 3, os.urandom(3000)])
def test_bodies_come_back_exactly(body: bytes, tmp_path: Path) -> None:
    reply = KeptReply("k", 5, 0, body)
    journal = open_journal(tmp_path, Handed())
    with journal:
        journal.keep(reply)
        assert list(read_spool(tmp_path / "replies.spool")) == [reply]


def test_a_cut_tail_is_dropped_at_every_byte(tmp_path: Path) -> None:
    sink = Handed()
    sink.dies = "before"
    with pytest.raises(Crash), open_journal(tmp_path, sink) as journal:
        journal.keep(make_reply(1))
        whole = (tmp_path / "replies.spool").stat().st_size
        journal.keep(make_reply(2, body=b'{"a":1}\n'))
    content = (tmp_path / "replies.spool").read_bytes()
    for end in range(whole, len(content) + 1):
        folder = tmp_path / str(end)
        folder.mkdir()
        (folder / "replies.spool").write_bytes(content[:end])
        with open_journal(folder, Handed()) as journal:
            assert sorted(journal.answered) == ["key1", "key2"][: 1 + (end == len(content))]
            journal.keep(make_reply(3))
        assert "key3" in {key for key, _, _ in read_answered(folder)}


def test_a_cut_journal_line_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "journal.txt").write_bytes(b"key1 17 0\nkey2 17")
    with open_journal(tmp_path, Handed()) as journal:
        assert journal.answered == {"key1": 0}
        journal.keep(make_reply(3))
    assert {key for key, _, _ in read_answered(tmp_path)} == {"key1", "key3"}


def test_a_full_disk_keeps_nothing_of_the_reply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_half(opened: int, content: bytes) -> None:
        os.write(opened, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    with open_journal(tmp_path, Handed()) as journal:
        journal.keep(make_reply(1))
        with monkeypatch.context() as patched:
            patched.setattr(spool_module, "write_fully", write_half)
            with pytest.raises(DiskFull, match="free space and call again"):
                journal.keep(make_reply(2))
        assert journal.answered == {"key1": 0}
        journal.keep(make_reply(3))
    assert [key for key, _, _ in read_answered(tmp_path)] == ["key1", "key3"]


def test_a_home_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "pull").write_text("a file where the folder should be")
    journal = open_journal(tmp_path / "pull", Handed())
    with pytest.raises(PermanentError, match="cannot write under its home"), journal:
        pass
