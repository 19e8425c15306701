"""One open segment: append, make durable, undo. When it opens and closes is not decided here."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Sequence
from pathlib import Path

from etl.framing.segments import MAGIC

OWNER_ONLY = 0o600
PARTS_PER_WRITE = 1024
"""Linux takes no more buffers in one call (IOV_MAX)."""
PAGE_BYTES = 4096
FREE_EVERY_BYTES = 2**20
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC


class OpenSegment:
    """A segment that takes records. `durable_bytes` is what the last fsync covered."""

    def __init__(self, path: Path) -> None:
        """Create the file; raises OSError and leaves nothing behind when that fails."""
        self.path = path
        self.durable_bytes = 0
        self.first_record_at: float | None = None
        self._freed_bytes = 0
        self._fd = os.open(path, _FLAGS, OWNER_ONLY)
        try:
            _write_all(self._fd, [MAGIC])
            self._sync()
            sync_folder(path.parent)
        except OSError:
            self.close()
            path.unlink(missing_ok=True)
            raise

    def append(self, records: Sequence[bytes]) -> float:
        """Write records and wait until they are on disk; gives the seconds the fsync took.

        Raises OSError; the caller then rolls back and does not use the segment again, because
        after a failed fsync nobody knows what the kernel kept.
        """
        _write_all(self._fd, records)
        took_s = self._sync()
        if self.first_record_at is None:
            self.first_record_at = time.monotonic()
        return took_s

    def roll_back(self) -> None:
        """Cut the file to what is durable."""
        os.ftruncate(self._fd, self.durable_bytes)
        os.fsync(self._fd)

    def close(self) -> None:
        os.close(self._fd)

    def _sync(self) -> float:
        status = os.fstat(self._fd)
        if status.st_nlink == 0:  # whatever is written now is gone when the file is closed
            raise FileNotFoundError(errno.ENOENT, "segment removed while open")
        started = time.perf_counter()
        getattr(os, "fdatasync", os.fsync)(self._fd)  # macOS has no fdatasync
        self.durable_bytes = status.st_size
        took_s = time.perf_counter() - started
        self._free_memory()
        return took_s

    def _free_memory(self) -> None:
        """Take what is on disk out of the system's memory, where it would push out other files.

        On a virtual machine it also saves the time to fetch ever new memory: half the cost of
        a 200 KB body. The last page stays, because the next record goes on in it.
        """
        whole_pages = self.durable_bytes - self.durable_bytes % PAGE_BYTES
        new_bytes = whole_pages - self._freed_bytes
        if new_bytes >= FREE_EVERY_BYTES and hasattr(os, "posix_fadvise"):
            advice = os.POSIX_FADV_DONTNEED
            os.posix_fadvise(self._fd, self._freed_bytes, new_bytes, advice)
            self._freed_bytes = whole_pages


def sync_folder(folder: Path) -> None:
    """Make created and renamed names of a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _write_all(fd: int, parts: Sequence[bytes]) -> None:
    for start in range(0, len(parts), PARTS_PER_WRITE):
        some = parts[start : start + PARTS_PER_WRITE]
        written = os.writev(fd, some)
        if written < sum(map(len, some)):
            _write_rest(fd, b"".join(some), written)


def _write_rest(fd: int, content: bytes, written: int) -> None:
    while written < len(content):
        written += os.write(fd, memoryview(content)[written:])
