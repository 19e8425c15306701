"""Work ahead of who needs it: the next item while one is worked on, many small sources side by side.

Most of the time of landing is waiting for a disk.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from etl.landing.bundles import MOST_BYTES, MOST_OBJECTS, Collector
from etl.sources.files import SourceFile

AT_ONCE = 16
FILES_AT_ONCE = 2
# larger ones keep the line and every processor busy by themselves
SMALL_BYTES = 2**20

T = TypeVar("T")


def land_ahead(
    sources: Iterable[SourceFile],
    land: Callable[[SourceFile, Collector | None], T],
    new_collector: Callable[[], Collector],
) -> Iterator[tuple[SourceFile, Callable[[], T]]]:
    """Each source, in order, with a call that gives what `land` gave or raises what it raised.

    Small ones that follow each other are landed before they are given, larger ones when they are
    called for.
    """
    threads = {
        is_remote: ThreadPoolExecutor(at_once, "land")
        for is_remote, at_once in ((True, AT_ONCE), (False, FILES_AT_ONCE))
    }
    try:
        for group in _groups(sources):
            if len(group) == 1:
                yield group[0], partial(land, group[0], None)
                continue
            collector = new_collector()
            landing = [
                threads["://" in source.uri].submit(land, source, collector) for source in group
            ]
            wait(landing)
            collector.seal()
            for source, landed in zip(group, landing, strict=True):
                yield source, landed.result
    finally:
        for own in threads.values():
            own.shutdown(cancel_futures=True)


def _groups(sources: Iterable[SourceFile]) -> Iterator[list[SourceFile]]:
    """Small sources that follow each other, as many as a bundle takes; each larger one alone."""
    gathered: list[SourceFile] = []
    size_bytes = 0
    for source in sources:
        is_alone = source.size > SMALL_BYTES or _is_stream(source)
        is_full = size_bytes + source.size > MOST_BYTES or len(gathered) == MOST_OBJECTS
        if gathered and (is_alone or is_full):
            yield gathered
            gathered, size_bytes = [], 0
        if is_alone:
            yield [source]
            continue
        gathered.append(source)
        size_bytes += source.size
    if gathered:
        yield gathered


def _is_stream(source: SourceFile) -> bool:
    """Standard input, a pipe: its size says nothing."""
    return "://" not in source.uri and not Path(source.uri).is_file()


def with_following(items: Iterable[T]) -> Iterator[tuple[T, T | None]]:
    """Each item with the one after it, None after the last."""
    waiting: T | None = None
    for item in items:
        if waiting is not None:
            yield waiting, item
        waiting = item
    if waiting is not None:
        yield waiting, None


def make_ahead(items: Iterable[T]) -> Iterator[T]:
    """The items, the next of which is made in a thread while the caller works on one."""
    made: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(1)
    is_wanted = threading.Event()
    is_wanted.set()

    def make() -> None:
        try:
            for item in items:
                if not is_wanted.is_set():
                    return
                made.put((item, None))
            made.put((None, None))
        except BaseException as error:
            made.put((None, error))

    thread = threading.Thread(target=make, name="land", daemon=True)
    thread.start()
    try:
        while True:
            item, error = made.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        is_wanted.clear()
        while thread.is_alive():
            with suppress(queue.Empty):
                made.get(timeout=0.05)
        thread.join()
