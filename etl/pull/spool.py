"""The spool: the file in which replies become durable, each together with the key it answers.

A record is one line of JSON (key, time, errors, size, CRC-32 of the body), the body as received,
and a line end. Key and reply are written and flushed as one thing, so after a crash either both
are there or neither; a cut tail was never counted as kept and is dropped.
"""

from __future__ import annotations

import errno
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from etl.errors import DiskFull, PermanentError
from etl.pull.records import KeptReply

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Spool:
    """An open spool file; what `append` returned from is durable."""

    def __init__(self, file: Path) -> None:
        self.path = file
        self._file = open_private(file)
        self.size_bytes = self._drop_torn_tail()

    def append(self, reply: KeptReply) -> None:
        """Keep one reply; raises DiskFull or PermanentError and keeps nothing when it cannot."""
        record = _encode(reply)
        try:
            write_fully(self._file, record)
        except OSError as error:
            os.ftruncate(self._file, self.size_bytes)
            raise storage_fault(error) from error
        self.size_bytes += len(record)

    def read(self) -> Iterator[KeptReply]:
        """The kept replies in their order."""
        return read_spool(self.path)

    def empty(self) -> None:
        """Forget all replies: they are kept elsewhere now."""
        os.ftruncate(self._file, 0)
        os.fsync(self._file)
        self.size_bytes = 0

    def close(self) -> None:
        os.close(self._file)

    def _drop_torn_tail(self) -> int:
        with self.path.open("rb") as stream:
            end = max((at for _, at in _read_records(stream)), default=0)
        os.ftruncate(self._file, end)
        os.fsync(self._file)
        return end


def read_spool(file: Path) -> Iterator[KeptReply]:
    """The whole records of a spool file in their order; a cut tail is left out."""
    with file.open("rb") as stream:
        yield from (reply for reply, _ in _read_records(stream))


def open_private(file: Path) -> int:
    """Open a file for appending, readable by its owner only, its name durable."""
    try:
        opened = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise storage_fault(error) from error
    return opened


def write_fully(opened: int, content: bytes) -> None:
    """Append all bytes and flush them to the disk."""
    view = memoryview(content)
    while view:
        view = view[os.write(opened, view) :]
    os.fsync(opened)


def storage_fault(error: OSError) -> DiskFull | PermanentError:
    """The error that says what to do when the home cannot be written."""
    if error.errno in _FULL:
        return DiskFull("The disk is full; free space and call again, what landed is kept.")
    return PermanentError(
        f"The pull cannot write under its home ({errno.errorcode.get(error.errno or 0, 'error')}); "
        f"correct the permissions of the folder pull and call again."
    )


def _encode(reply: KeptReply) -> bytes:
    head = {
        "key": reply.key,
        "received_at_us": reply.received_at_us,
        "errors": reply.errors,
        "bytes": len(reply.body),
        "crc32": zlib.crc32(reply.body),
    }
    return b"".join((json.dumps(head).encode(), b"\n", reply.body, b"\n"))


def _read_records(stream: BinaryIO) -> Iterator[tuple[KeptReply, int]]:
    """The whole records from the start, each with the offset of its end."""
    while head := _read_head(stream):
        body = stream.read(head["bytes"] + 1)
        if len(body) <= head["bytes"] or zlib.crc32(body[:-1]) != head["crc32"]:
            return
        reply = KeptReply(head["key"], head["received_at_us"], head["errors"], body[:-1])
        yield reply, stream.tell()


def _read_head(stream: BinaryIO) -> dict[str, Any] | None:
    line = stream.readline(1000)
    try:
        head = json.loads(line)
    except ValueError:
        return None
    is_whole = line.endswith(b"\n") and isinstance(head, dict)
    return head if is_whole else None
