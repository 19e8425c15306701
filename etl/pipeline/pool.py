"""Runs work in this process or in worker processes, in order, with the same results."""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection, forkserver
from pathlib import Path
from typing import TypeVar

from etl.errors import TransientError
from etl.memory import give_back_memory
from etl.pipeline.work import Judged, Numbered, ShareResult, Unit
from etl.pipeline.worker import Worker
from etl.settings import Settings
from etl.without_pandas import leave_pandas_out
from models.catalog import Catalog
from models.tables.plan import WarehousePlan

R = TypeVar("R")
SMALL_WORK_BYTES = 64 * 2**20
GLANCE_S = 0.02

_worker: Worker | None = None


def _start(settings: Settings, catalog: Catalog, plan: WarehousePlan) -> None:
    """Make the worker of this process. What was compiled comes along instead of being read again."""
    global _worker
    threading.Thread(target=_end_with_parent, daemon=True).start()
    leave_pandas_out()
    _worker = Worker.compiled(settings, catalog, plan)
    gc.freeze()  # the catalog stays; there is no need to look through it again and again


def _end_with_parent() -> None:
    """A worker whose command was killed has nobody to work for; it would wait for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])
    os._exit(1)


def _judge(unit: Unit) -> Judged:
    assert _worker is not None
    return _worker.judge_unit(unit)


def _flatten(share: Sequence[Numbered], folder: Path) -> ShareResult:
    assert _worker is not None
    try:
        return _worker.flatten(share, folder)
    finally:
        give_back_memory()


class Pool:
    """Workers of one command; processes start when there is work worth them."""

    def __init__(self, settings: Settings, local: Worker) -> None:
        self._settings = settings
        self._local = local
        self._executor: ProcessPoolExecutor | None = None
        self._next: Sequence[Unit] = ()
        self._ahead: list[Future[Judged]] = []
        self.size = settings.load.workers or len(os.sched_getaffinity(0))

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def prepare(self) -> None:
        """Let the process that workers are forked from import, while bytes are landed.

        Workers are forked from a process without threads that has imported everything: they start
        at once, and nothing of this process (Dagster's has threads and locks) gets into them.
        """
        if self.size > 1 and self._executor is None:
            multiprocessing.get_context("forkserver").set_forkserver_preload([__name__])
            forkserver.ensure_running()

    def _start_workers(self) -> ProcessPoolExecutor:
        if self._executor is None:
            self.prepare()
            self._executor = ProcessPoolExecutor(
                self.size,
                mp_context=multiprocessing.get_context("forkserver"),
                initializer=_start,
                initargs=(self._settings, self._local.catalog, self._local.plan),
            )
        return self._executor

    def judge(self, units: Sequence[Unit]) -> Iterator[Judged]:
        """Judge units, results in their order."""
        if not self._is_worth_it(units):
            return map(self._local.judge_unit, units)
        if units is self._next and self._ahead:
            ahead, self._ahead = self._ahead, []
            return self._in_order(lambda _: ahead)
        return self._in_order(lambda e: [e.submit(_judge, unit) for unit in units])

    def judge_ahead(self, units: Sequence[Unit]) -> None:
        """Name the units that workers judge when flattening leaves them idle; `judge` has them
        then."""
        self._next = units if self._is_worth_it(units) else ()

    def flatten(
        self,
        shares: Sequence[Sequence[Numbered]],
        folder: Path,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Iterator[ShareResult]:
        """Flatten shares, results in their order; `meanwhile` is called often while workers work."""
        if len(shares) < 2:
            return (self._local.flatten(share, folder) for share in shares)

        def submit(executor: ProcessPoolExecutor) -> list[Future[ShareResult]]:
            flattening = [executor.submit(_flatten, share, folder) for share in shares]
            self._ahead = [executor.submit(_judge, unit) for unit in self._next]
            return flattening

        return self._in_order(submit, meanwhile)

    def shares_for(self, units: Sequence[Unit]) -> int:
        """Into how many shares work should be divided."""
        return self.size if self._is_worth_it(units) else 1

    def _is_worth_it(self, units: Iterable[Unit]) -> bool:
        return self.size > 1 and sum(unit.size_bytes for unit in units) > SMALL_WORK_BYTES

    def _in_order(
        self,
        submit: Callable[[ProcessPoolExecutor], list[Future[R]]],
        meanwhile: Callable[[], None] = lambda: None,
    ) -> Iterator[R]:
        try:
            for future in submit(self._start_workers()):
                while wait([future], GLANCE_S).not_done:
                    meanwhile()
                yield future.result()
        except BrokenProcessPool:
            raise TransientError(
                "A worker process was killed, probably for want of memory; "
                "lower load.load_bytes or load.workers and run the command again."
            ) from None
