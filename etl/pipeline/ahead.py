"""Lands many small sources side by side: most of their time they wait for a store or for the disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from etl.ingest.files import SourceFile

AT_ONCE = 16
FILES_AT_ONCE = 8  # what the disk confirms together
# larger ones keep the line and every processor busy by themselves
SMALL_BYTES = 2**20

T = TypeVar("T")


def land_ahead(
    sources: Iterable[SourceFile], land: Callable[[SourceFile], T]
) -> Iterator[tuple[SourceFile, Callable[[], T]]]:
    """Each source, in order, with a call that gives what `land` gave or raises what it raised.

    Small ones were begun before they are given, larger ones begin when they are called for.
    """
    waiting: deque[tuple[SourceFile, Callable[[], T]]] = deque()
    threads = {
        is_remote: ThreadPoolExecutor(at_once, "land")
        for is_remote, at_once in ((True, AT_ONCE), (False, FILES_AT_ONCE))
    }
    try:
        for source in sources:
            if source.size > SMALL_BYTES or _is_stream(source):
                yield from _drained(waiting)
                yield source, partial(land, source)
                continue
            own = threads["://" in source.uri]
            waiting.append((source, own.submit(land, source).result))
            if len(waiting) > 2 * AT_ONCE:
                yield waiting.popleft()
        yield from _drained(waiting)
    finally:
        for own in threads.values():
            own.shutdown(cancel_futures=True)


def _is_stream(source: SourceFile) -> bool:
    """Standard input, a pipe: its size says nothing."""
    return "://" not in source.uri and not Path(source.uri).is_file()


def _drained(waiting: deque[T]) -> Iterator[T]:
    while waiting:
        yield waiting.popleft()
