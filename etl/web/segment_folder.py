"""The folder of segments: one writer, closing by size and age, leftovers of a crash.

Open segments end in `.open`; closed ones are renamed to `.seg` and never touched again: that is
what the loader looks for. Only one thread may call a SegmentFolder at a time.
"""

from __future__ import annotations

import logging
import os
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from etl.atomic import own_folder
from etl.errors import PermanentError, WarehouseBusy
from etl.framing.segments import MAGIC
from etl.web.segment_file import OWNER_ONLY, OpenSegment, sync_folder

OPEN_SUFFIX = ".open"
CLOSED_SUFFIX = ".seg"
LOCK_NAME = ".receive.lock"

log = logging.getLogger(__name__)


class SegmentFolder:
    """Where bodies become durable. `closed_count` counts the segments closed by this process."""

    def __init__(self, path: Path, *, segment_bytes: int, segment_age_s: float) -> None:
        self.path = path
        self.closed_count = 0
        self._segment_bytes = segment_bytes
        self._segment_age_s = segment_age_s
        self._segment: OpenSegment | None = None
        self._unclosed: list[Path] = []

    @property
    def open_bytes(self) -> int:
        segment = self._segment
        return segment.durable_bytes if segment else 0

    @property
    def oldest_unclosed_s(self) -> float:
        """Seconds since the first record of the open segment came, 0 when there is none."""
        segment = self._segment
        if segment is None or segment.first_record_at is None:
            return 0.0
        return time.monotonic() - segment.first_record_at

    def free_bytes(self) -> int:
        status = os.statvfs(self.path)
        return status.f_bavail * status.f_frsize

    def ensure_open(self) -> OpenSegment:
        """Give the open segment, creating it when there is none; raises OSError."""
        if self._segment is None:
            self._segment = OpenSegment(self.path / _new_name())
        return self._segment

    def append(self, records: Sequence[bytes]) -> float:
        """Write encoded records; on return they are durable. Gives the seconds of the fsync.

        Raises OSError; then none of the records counts as stored, and the next call begins a new
        segment.
        """
        segment = self.ensure_open()
        try:
            took_s = segment.append(records)
        except OSError:
            self._give_up(segment)
            raise
        if segment.durable_bytes >= self._segment_bytes:
            self.close_segment()
        return took_s

    def close_due(self) -> None:
        """Close the open segment when it is old enough, and what could not be closed before."""
        if self.oldest_unclosed_s >= self._segment_age_s:
            self.close_segment()
        self._close_leftovers()

    def close_segment(self) -> None:
        """Close the open segment, if any; one without records is removed."""
        segment, self._segment = self._segment, None
        if segment is None:
            return
        segment.close()
        self._unclosed.append(segment.path)
        self._close_leftovers()

    def recover(self) -> int:
        """Close what an earlier process left open; gives the number of such segments."""
        self._unclosed = sorted(self.path.glob(f"*{OPEN_SUFFIX}"))
        found = len(self._unclosed)
        for path in self._unclosed:
            _sync_file(path)
        self._close_leftovers()
        return found

    def _give_up(self, segment: OpenSegment) -> None:
        try:
            segment.roll_back()
        except OSError as error:
            # The reader of segments copes with a torn record; later ones go to another file.
            log.error("segment not rolled back after a failed write (%s)", error.strerror)
        self.close_segment()

    def _close_leftovers(self) -> None:
        self._unclosed = [path for path in self._unclosed if not self._is_closed(path)]

    def _is_closed(self, path: Path) -> bool:
        try:
            if path.stat().st_size <= len(MAGIC):
                path.unlink()
                return True
            path.rename(path.with_suffix(CLOSED_SUFFIX))
        except FileNotFoundError:
            log.error("segment %s was removed from outside before it was closed", path.name)
            return True
        except OSError as error:
            log.error("segment %s not closed (%s); it is tried again", path.name, error.strerror)
            return False
        with suppress(OSError):  # a name that a power cut undoes is renamed by the next start
            sync_folder(self.path)
        self.closed_count += 1
        return True


@contextmanager
def open_folder(path: Path, *, segment_bytes: int, segment_age_s: float) -> Iterator[SegmentFolder]:
    """Take the folder for this process alone and close what an earlier one left open.

    Raises WarehouseBusy when another receiver has it, PermanentError when it cannot be written.
    """
    folder = SegmentFolder(path, segment_bytes=segment_bytes, segment_age_s=segment_age_s)
    with _held_lock(path):
        recovered = folder.recover()
        if recovered:
            log.info("closed %d segments that an earlier receiver left open", recovered)
        yield folder


@contextmanager
def _held_lock(path: Path) -> Iterator[None]:
    lock = FileLock(path / LOCK_NAME, mode=OWNER_ONLY)
    try:
        own_folder(path)
        lock.acquire(timeout=0)
    except Timeout:
        raise WarehouseBusy(
            f"Another receiver writes to {path}; stop it, or give this one another home."
        ) from None
    except OSError as error:
        raise PermanentError(
            f"The folder {path} cannot be written ({error.strerror}); make it writable for the "
            f"receiver's user."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _new_name() -> str:
    """A name that sorts by time; the random part keeps it unique when the clock is set back."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}-{secrets.token_hex(4)}{OPEN_SUFFIX}"


def _sync_file(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
