"""Lands many small objects of a store side by side: most of their time they wait for an answer.

Files of a disk are landed one after the other, as threads gain nothing there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from etl.ingest.files import SourceFile

AT_ONCE = 16
# larger ones keep the line and every processor busy by themselves
SMALL_BYTES = 2**20

T = TypeVar("T")


def land_ahead(
    sources: Iterable[SourceFile], land: Callable[[SourceFile], T]
) -> Iterator[tuple[SourceFile, Callable[[], T]]]:
    """Each source, in order, with a call that gives what `land` gave or raises what it raised.

    Small objects of a store were begun before they are given, all else begins when it is called for.
    """
    waiting: deque[tuple[SourceFile, Callable[[], T]]] = deque()
    threads = ThreadPoolExecutor(AT_ONCE, "land")
    try:
        for source in sources:
            if source.size > SMALL_BYTES or "://" not in source.uri:
                yield from _drained(waiting)
                yield source, partial(land, source)
                continue
            waiting.append((source, threads.submit(land, source).result))
            if len(waiting) > 2 * AT_ONCE:
                yield waiting.popleft()
        yield from _drained(waiting)
    finally:
        threads.shutdown(cancel_futures=True)


def _drained(waiting: deque[T]) -> Iterator[T]:
    while waiting:
        yield waiting.popleft()
