"""The journal of a home: which requests were answered, so that none of them is asked again.

    HOME/pull/replies.spool   replies kept but not yet handed over, each with its key
    HOME/pull/journal.txt     one line per request handed over: key, time (us UTC), errors
    HOME/pull/lock            held while a pull runs

A reply is kept once it is in the spool. Handing over means: the sink makes the spooled replies
durable where the load finds them, their keys are added to journal.txt, the spool is emptied. A
crash between any two of these repeats them with the same content, which the sink counts once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from filelock import FileLock, Timeout

from etl.atomic import own_folder
from etl.errors import WarehouseBusy
from etl.pull.records import KeptReply, Sink
from etl.pull.spool import Spool, open_private, read_spool, storage_fault, write_fully

SPOOL_NAME = "replies.spool"
JOURNAL_NAME = "journal.txt"
_LINE_FIELDS = 3


class Journal:
    """Keeps replies and knows the answered requests; one pull per home holds it at a time.

    One at a time, because the rate limit of Redox is per address and kept within one process.
    """

    def __init__(
        self, folder: Path, *, sink: Sink, segment_bytes: int, segment_age_s: float
    ) -> None:
        self._folder = folder
        self._sink = sink
        self._segment_bytes = segment_bytes
        self._segment_age_s = segment_age_s
        self._opened_at_s = time.monotonic()
        self._lock = FileLock(folder / "lock", mode=0o600)
        self.answered: dict[str, int] = {}
        self.received_at_us: list[int] = []
        self.recovered = 0

    def __enter__(self) -> Self:
        self._take_lock()
        try:
            self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Hand over what is spooled, also after an error; a full disk leaves it for next time."""
        try:
            self.hand_over()
        finally:
            self._spool.close()
            os.close(self._lines)
            self._lock.release()

    def keep(self, reply: KeptReply) -> None:
        """Make a reply durable; from its return on, its request is not asked again."""
        if self._spool.size_bytes == 0:
            self._opened_at_s = time.monotonic()
        self._spool.append(reply)
        self.answered[reply.key] = reply.errors
        is_old = time.monotonic() - self._opened_at_s >= self._segment_age_s
        if is_old or self._spool.size_bytes >= self._segment_bytes:
            self.hand_over()

    def hand_over(self) -> int:
        """Give the spooled replies to the sink; returns how many there were."""
        if self._spool.size_bytes == 0:
            return 0
        self._sink(self._spool.read())
        lines = [_to_line(reply) for reply in self._spool.read()]
        try:
            write_fully(self._lines, b"".join(lines))
        except OSError as error:
            raise storage_fault(error) from error
        self._spool.empty()
        return len(lines)

    def _take_lock(self) -> None:
        try:
            own_folder(self._folder)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise WarehouseBusy(
                "Another pull of this home is running; call again when it is done."
            ) from None
        except OSError as error:
            raise storage_fault(error) from error

    def _open(self) -> None:
        self._lines = open_private(self._folder / JOURNAL_NAME)
        self._mend_last_line()
        self._spool = Spool(self._folder / SPOOL_NAME)
        for key, received_at_us, errors in read_answered(self._folder):
            self.answered[key] = errors
            self.received_at_us.append(received_at_us)
        self.recovered = self.hand_over()

    def _mend_last_line(self) -> None:
        """End a line that a crash cut, so that the next one starts fresh."""
        size = os.fstat(self._lines).st_size
        if size and os.pread(self._lines, 1, size - 1) != b"\n":
            write_fully(self._lines, b"\n")


def read_answered(folder: Path) -> Iterator[tuple[str, int, int]]:
    """(key, received at in microseconds UTC, errors) of every answered request; takes no lock."""
    journal, spool = folder / JOURNAL_NAME, folder / SPOOL_NAME
    if journal.exists():
        with journal.open("rb") as lines:
            yield from (parsed for line in lines if (parsed := _from_line(line)))
    if spool.exists():
        for reply in read_spool(spool):
            yield reply.key, reply.received_at_us, reply.errors


def _to_line(reply: KeptReply) -> bytes:
    return f"{reply.key} {reply.received_at_us} {reply.errors}\n".encode()


def _from_line(line: bytes) -> tuple[str, int, int] | None:
    """The fields of a whole line, None for one that a crash cut."""
    fields = line.split()
    if len(fields) != _LINE_FIELDS or not line.endswith(b"\n"):
        return None
    key, received_at_us, errors = fields
    if not (received_at_us.isdigit() and errors.isdigit()):
        return None
    return key.decode("ascii", "replace"), int(received_at_us), int(errors)
