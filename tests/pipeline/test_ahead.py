"""Small sources are landed side by side, in order; all else one after the other."""

import hashlib
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from etl.errors import PermanentError
from etl.framing.frames import FrameBatch
from etl.landing.bundle import Small
from etl.landing.bundles import MOST_OBJECTS, Collector
from etl.landing.index import LandedObject
from etl.pipeline.ahead import AT_ONCE, FILES_AT_ONCE, SMALL_BYTES, land_ahead
from etl.sources.files import SourceFile


def _sources(prefix: str, count: int, size: int = 100) -> list[SourceFile]:
    return [SourceFile(f"{prefix}{number:03}", size, 0) for number in range(count)]


def _landed(sources: Sequence[SourceFile], landing: "Landing") -> list[str]:
    return [call() for _, call in land_ahead(sources, landing.land, _collector)]


def _collector() -> Collector:
    return Collector(lambda _: None)


def small(uri: str) -> Small:
    """An object without items."""
    object_id = hashlib.sha256(uri.encode()).hexdigest()
    landed = LandedObject(object_id, uri, 0, 0, 0, 0, False, datetime.now(UTC))
    return Small(b"", FrameBatch(), landed)


class Landing:
    """Tells how many were landed at once."""

    def __init__(self, together: int = 1) -> None:
        self._meet = threading.Barrier(together, timeout=60)
        self._busy = 0
        self._lock = threading.Lock()
        self.most = 0

    def land(self, source: SourceFile, _: Collector | None) -> str:
        with self._lock:
            self._busy += 1
            self.most = max(self.most, self._busy)
        self._meet.wait()
        with self._lock:
            self._busy -= 1
        return source.uri


def test_small_objects_of_a_store_are_landed_side_by_side_and_given_in_order() -> None:
    sources = _sources("s3://bucket/", 3 * AT_ONCE)
    landing = Landing(together=AT_ONCE)
    assert _landed(sources, landing) == [source.uri for source in sources]
    assert landing.most == AT_ONCE


def test_small_files_of_a_disk_wait_for_it_together(tmp_path: Path) -> None:
    sources = _sources(f"{tmp_path}/", 3 * FILES_AT_ONCE)
    for source in sources:
        Path(source.uri).write_bytes(b"{}")
    landing = Landing(together=FILES_AT_ONCE)
    assert _landed(sources, landing) == [source.uri for source in sources]
    assert landing.most == FILES_AT_ONCE


@pytest.mark.parametrize(("prefix", "size"), [("/dev/stdin", 0), ("s3://b/", SMALL_BYTES + 1)])
def test_streams_and_large_objects_are_landed_alone(prefix: str, size: int) -> None:
    sources = _sources(prefix, 10, size)
    landing = Landing()
    assert _landed(sources, landing) == [source.uri for source in sources]
    assert landing.most == 1


def test_what_keeps_one_from_landing_is_raised_where_it_stands() -> None:
    def land(source: SourceFile, _: Collector | None) -> str:
        if source.uri.endswith("3"):
            raise PermanentError("not to be read")
        return source.uri

    told = []
    for source, call in land_ahead(_sources("s3://bucket/", 8), land, _collector):
        try:
            told.append(call())
        except PermanentError as error:
            told.append(f"{source.uri}: {error}")
    assert told[3] == "s3://bucket/003: not to be read"
    assert [uri for uri in told if ":" not in uri[5:]] == [
        f"s3://bucket/{n:03}" for n in (0, 1, 2, 4, 5, 6, 7)
    ]


def test_a_bundle_is_sealed_before_its_sources_are_given() -> None:
    steps: list[str] = []

    def land(source: SourceFile, collector: Collector | None) -> None:
        assert collector is not None
        collector.take(small(source.uri))
        steps.append(source.uri)

    def seal(objects: Sequence[Small]) -> None:
        steps.append(f"sealed {len(objects)}")

    for source, _ in land_ahead(_sources("s3://b/", 3), land, lambda: Collector(seal)):
        steps.append(f"given {source.uri}")
    assert steps[3:] == ["sealed 3", *(f"given s3://b/{n:03}" for n in range(3))]


def test_what_is_no_longer_wanted_is_not_begun() -> None:
    begun: list[str] = []

    def land(source: SourceFile, _: Collector | None) -> None:
        begun.append(source.uri)

    for _, call in land_ahead(_sources("s3://b/", 3 * MOST_OBJECTS), land, _collector):
        call()
        break
    assert len(begun) == MOST_OBJECTS
