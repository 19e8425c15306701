"""Reads units from landing and runs the kernel over them: in this thread, or ahead in several.

Compiled code works in threads; the exact way, which is pure Python, runs in one helper process
while there is much of it, so that no insert waits for it.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain
from multiprocessing import connection

import numpy as np

from etl.conform.exact_json import OTHER_FORMAT
from etl.encodings import likely_encoding, unmarked_encoding
from etl.errors import TransientError
from etl.framing.frames import CROWDED, ITEM, PURGED, TRUNCATED
from etl.kernel._reader import PADDING
from etl.kernel.compiled import Compiled
from etl.kernel.exact import Conformed, ExactWay, Limits, Refused
from etl.kernel.run import ConformAll, Items, UnitResult, identify, run
from etl.landing.store import Landing, LandingReader
from etl.other_formats import HEAD_BYTES, is_other_format
from etl.pipeline.items import ItemsOfRun
from etl.pipeline.opening import BAD_ROW, ItemOpener, Opened, opener_of
from etl.pipeline.units import Run, Unit
from etl.sources.recipe import Recipe
from etl.without_pandas import leave_pandas_out

PURGED_REASON = "purged"
REASON_OF_KIND = {TRUNCATED: "truncated", CROWDED: "too_many_items", PURGED: PURGED_REASON}
AT_ONCE_BYTES = 64 * 2**20
SMALL_WORK_BYTES = 16 * 2**20
FEW_MESSAGES = 64
# A thread that waits for the interpreter asks for it this often: inserts of small tables do.
SWITCH_S = 0.0005

_exact: ExactWay | None = None


def _start(exact: ExactWay) -> None:
    """Make the helper process ready; it ends with its parent."""
    global _exact
    threading.Thread(target=_end_with_parent, daemon=True).start()
    leave_pandas_out()
    _exact = exact
    gc.freeze()


def _end_with_parent() -> None:
    """A helper whose command was killed has nobody to work for; it would wait for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def _conform_all(messages: Sequence[bytes]) -> list[Conformed | Refused]:
    assert _exact is not None
    return _exact.conform_all(messages)


class Reading:
    """Reads the units of one command; threads and the helper start when there is work for them."""

    def __init__(self, compiled: Compiled, landing: Landing, *, threads: int = 0) -> None:
        self.compiled = compiled
        self.landing = landing
        self.size = threads or len(os.sched_getaffinity(0))
        self._threads: ThreadPoolExecutor | None = None
        self._helper: ProcessPoolExecutor | None = None
        self._starting = threading.Lock()
        self._ahead: deque[tuple[Unit, Future[UnitResult]]] = deque()

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_: object) -> None:
        for _unit, future in self._ahead:
            future.cancel()
        if self._threads is not None:
            self._threads.shutdown(wait=True, cancel_futures=True)
        if self._helper is not None:
            self._helper.shutdown(wait=True, cancel_futures=True)

    def read(
        self, units: Sequence[Unit], following: Sequence[Unit] = ()
    ) -> Iterator[tuple[Unit, UnitResult]]:
        """Each unit with what the kernel says of it, in order.

        Units are read ahead of their use, a few at a time; at the end those that `following` names
        first, which the next call then finds read.
        """
        if not self._ahead and sum(unit.size_bytes for unit in units) <= SMALL_WORK_BYTES:
            for unit in units:
                yield unit, self.read_unit(unit)
            return
        wanted = chain(units, following)
        for _ in range(len(self._ahead)):
            next(wanted, None)
        switch_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        try:
            for unit in units:
                self._submit(wanted)
                own, future = self._ahead.popleft()
                assert own is unit
                self._submit(wanted)
                try:
                    result = future.result()
                except BrokenProcessPool:
                    raise TransientError(
                        "The helper process was killed, probably because memory ran out; "
                        "lower load.load_bytes or load.workers and run the command again."
                    ) from None
                yield unit, result
        finally:
            sys.setswitchinterval(switch_s)

    def _submit(self, wanted: Iterator[Unit]) -> None:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.size, "read")
        while len(self._ahead) <= self.size:
            unit = next(wanted, None)
            if unit is None:
                return
            future = self._threads.submit(self.read_unit, unit, self._conform)
            self._ahead.append((unit, future))

    def _conform(self, messages: Sequence[bytes]) -> list[Conformed | Refused]:
        """The exact way: few messages here, many in the helper process."""
        if len(messages) <= FEW_MESSAGES:
            return self.compiled.exact.conform_all(messages)
        with self._starting:
            if self._helper is None:
                self._helper = ProcessPoolExecutor(
                    1,
                    mp_context=multiprocessing.get_context("forkserver"),
                    initializer=_start,
                    initargs=(self.compiled.exact,),
                )
        return self._helper.submit(_conform_all, list(messages)).result()

    def read_unit(self, unit: Unit, conform: ConformAll | None = None) -> UnitResult:
        """One unit, in this thread."""
        return run(self.items(unit), self.compiled, conform)

    def identify_unit(self, unit: Unit) -> UnitResult:
        """Outcomes and content hashes of one unit, without its rows."""
        return identify(self.items(unit), self.compiled)

    def items(self, unit: Unit) -> Items:
        """The unit's bytes in memory, envelopes opened."""
        reading = _UnitBytes(self.landing, self.compiled.limits, self.compiled.exact)
        reader: LandingReader | None = None
        try:
            for run_ in unit.runs:
                if reader is None or reader.object_id != run_.object_id:
                    reader = self.landing.open_reader(run_.object_id, instead_of=reader)
                reading.add(run_, reader)
        finally:
            if reader is not None:
                reader.close()
        return reading.items(unit)


class _UnitBytes:
    """Puts the bytes of a unit's items together."""

    def __init__(self, landing: Landing, limits: Limits, exact: ExactWay) -> None:
        self._landing = landing
        self._limits = limits
        self._exact = exact
        self._plain = ItemOpener(Recipe(), "", max_depth=limits.max_depth)
        self._parts: list[bytes] = []
        self._size = 0
        self._offsets: list[np.ndarray] = []
        self._lengths: list[np.ndarray] = []
        self._received: list[np.ndarray] = []
        self._count = 0
        self.reasons: dict[int, str] = {}

    def add(self, run_: Run, reader: LandingReader) -> None:
        """Take the items of a run."""
        if not len(run_):
            return
        opener = opener_of(run_, self._landing, reader, max_depth=self._limits.max_depth)
        if opener is not None or run_.span_bytes > AT_ONCE_BYTES:
            self._add_singly(run_, reader, opener or self._plain)
            return
        first = int(run_.offset[0])
        content = reader.read(first, run_.span_bytes)
        if _hold_texts(run_, content):
            self._add_singly(run_, reader, self._plain)
            return
        self._append(content, run_.offset - first, run_.length)
        self._received.append(run_.received_at_us)
        for index in np.flatnonzero(run_.kind != ITEM).tolist():
            start = int(run_.offset[index]) - first
            raw = content[start : start + int(run_.length[index])]
            known = REASON_OF_KIND.get(int(run_.kind[index]))
            self.reasons[self._count + index] = known or self._reason_of_broken(raw)
        self._count += len(run_)

    def _append(self, content: bytes, offset: np.ndarray, length: np.ndarray) -> None:
        self._parts.append(content)
        self._offsets.append(offset + self._size)
        self._lengths.append(length)
        self._size += len(content)

    def _add_singly(self, run_: Run, reader: LandingReader, opener: ItemOpener) -> None:
        received = run_.received_at_us.copy()
        nothing = np.zeros(1, np.int64)
        items = ItemsOfRun(run_, self._landing, reader, opener, max_bytes=self._limits.max_bytes)
        for index in range(len(run_)):
            opened = self._open(items, index)
            received[index] = opened.received_us(int(received[index]))
            if opened.reason:
                self.reasons[self._count + index] = opened.reason
            self._append(opened.body, nothing, np.asarray([len(opened.body)], np.int64))
        self._received.append(received)
        self._count += len(run_)

    def _open(self, items: ItemsOfRun, index: int) -> Opened:
        """The message of an item, or why there is none."""
        kind = int(items.run.kind[index])
        if kind == CROWDED:
            return Opened(b"", reason=REASON_OF_KIND[CROWDED])
        if int(items.run.length[index]) > self._limits.max_bytes:
            head = items.head(index, HEAD_BYTES) if kind != ITEM else b""
            return Opened(b"", reason=_reason_of_large(head, is_broken=kind != ITEM))
        if kind == TRUNCATED:
            return Opened(b"", reason=REASON_OF_KIND[TRUNCATED])
        if kind != ITEM and items.is_of_table:
            return Opened(b"", reason=BAD_ROW)
        if kind != ITEM:
            return Opened(b"", reason=self._reason_of_broken(items.text(index)))
        return items.message(index)

    def _reason_of_broken(self, raw: bytes) -> str:
        if len(raw) > self._limits.max_bytes:
            return _reason_of_large(raw[:HEAD_BYTES], is_broken=True)
        found = self._exact.conform_all([raw])[0]
        return found.reason if isinstance(found, Refused) else "not_json"

    def items(self, unit: Unit) -> Items:
        """All items taken, for the kernel."""
        days = [np.full(len(run_), run_.fallback_day, np.int32) for run_ in unit.runs]
        return Items(
            content=b"".join([*self._parts, bytes(PADDING)]),
            offset=_joined(self._offsets),
            length=_joined(self._lengths),
            received_at_us=_joined(self._received),
            fallback_day=np.concatenate([*days, np.empty(0, np.int32)]),
            reasons=self.reasons,
        )


def _hold_texts(run_: Run, content: bytes) -> bool:
    """True if some items are JSON strings, which may hold messages, or parts of one."""
    inside = np.frombuffer(content, np.uint8)
    at = (run_.offset - run_.offset[0])[run_.kind == ITEM]
    if not len(inside) or (is_part := run_.length[run_.kind == ITEM] == 0).any():
        return bool(len(at))
    return bool((inside[at[~is_part]] == ord('"')).any())


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([*parts, np.empty(0, np.int64)])


def _reason_of_large(head: bytes, *, is_broken: bool) -> str:
    """Why an item above the limit, which is not read whole, is not a message."""
    if not is_broken:
        return "too_large"
    if is_other_format(head):
        return OTHER_FORMAT
    return likely_encoding(head) if unmarked_encoding(head) else "not_json"
