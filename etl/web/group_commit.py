"""Group commit: bodies that arrive while an fsync runs are written together and share the next.

Between the event loop and the disk: all calls to the folder run in one thread. How a segment is
written lives in `etl.web.segment_folder`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Concatenate, ParamSpec, TypeVar

from etl.framing.segments import encode_record
from etl.web.metrics import ReceiverMetrics
from etl.web.refusals import Reason, Refusal
from etl.web.segment_folder import SegmentFolder

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Waiting:
    """An encoded body that waits for its fsync; `stored` is resolved when it is durable."""

    record: bytes
    stored: asyncio.Future[None]


class GroupCommit:
    """Stores bodies durably. `fault` says why it cannot now, None when it can."""

    def __init__(
        self, folder: SegmentFolder, *, min_free_bytes: int, metrics: ReceiverMetrics
    ) -> None:
        self.fault: Reason | None = None
        self.free_bytes = 0
        self._folder = folder
        self._min_free_bytes = min_free_bytes
        self._metrics = metrics
        self._waiting: list[Waiting] = []
        self._committing: asyncio.Task[None] | None = None
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="segment-writer")

    async def store(self, body: bytes) -> None:
        """Return when the body is on disk; raises Refusal when it is not."""
        if self.fault is Reason.DISK_LOW:
            raise Refusal(Reason.DISK_LOW)
        # Encoded here: the checksum lets go of the interpreter's lock, and in the writer's thread
        # it would wait up to 5 ms for it again, for every record.
        record = encode_record(time.time_ns() // 1000, body)
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(record, stored))
        if self._committing is None or self._committing.done():
            self._committing = asyncio.create_task(self._commit_waiting())
        await stored

    async def tend(self) -> None:
        """Close what is due, look at the disk, and try again after a fault. Call every second."""
        try:
            await self._in_writer(SegmentFolder.close_due)
            self.free_bytes = await self._in_writer(SegmentFolder.free_bytes)
            if self.free_bytes < self._min_free_bytes:
                self._set_fault(Reason.DISK_LOW)
            elif self.fault:
                await self._in_writer(SegmentFolder.ensure_open)
                self._set_fault(None)
        except OSError as error:
            self._fail(error)

    async def close(self) -> None:
        """Store what waits, close the segment, end the thread."""
        if self._committing is not None:
            await self._committing
        await self._in_writer(SegmentFolder.close_segment)
        self._writer.shutdown()

    async def _commit_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                records = [each.record for each in batch]
                fsync_s = await self._in_writer(SegmentFolder.append, records)
            except Exception as error:  # whatever it is, the senders must learn of it
                self._fail(error)
                _settle(batch, Reason.STORAGE_FAILED)
                continue
            if self.fault is Reason.STORAGE_FAILED:
                self._set_fault(None)
            self._metrics.count_commit(records, fsync_s=fsync_s)
            _settle(batch, None)

    def _fail(self, error: Exception) -> None:
        # The text of an error may hold data; its kind and the system's own words do not.
        words = error.strerror if isinstance(error, OSError) else type(error).__name__
        log.error("storage failed (%s)", words)
        self._set_fault(Reason.STORAGE_FAILED)

    def _set_fault(self, fault: Reason | None) -> None:
        if fault is not self.fault:
            log.warning("bodies are %s", f"refused, {fault.value}" if fault else "accepted again")
        self.fault = fault

    async def _in_writer(
        self,
        act: Callable[Concatenate[SegmentFolder, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, lambda: act(self._folder, *args, **kwargs))


def _settle(batch: Sequence[Waiting], reason: Reason | None) -> None:
    for each in batch:
        if each.stored.done():  # the request was cancelled
            continue
        if reason is None:
            each.stored.set_result(None)
        else:
            each.stored.set_exception(Refusal(reason))
