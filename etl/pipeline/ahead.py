"""Lands many small sources side by side and together: most of their time is waiting for a disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import TypeVar

from etl.ingest.files import SourceFile
from etl.landing.bundles import MOST_BYTES, MOST_OBJECTS, Collector

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
