"""Small sources are landed side by side, in order; all else one after the other."""

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from etl.errors import PermanentError
from etl.ingest.files import SourceFile
from etl.pipeline.ahead import AT_ONCE, FILES_AT_ONCE, SMALL_BYTES, land_ahead


def _sources(prefix: str, count: int, size: int = 100) -> list[SourceFile]:
    return [SourceFile(f"{prefix}{number:03}", size, 0) for number in range(count)]


def _landed(sources: Sequence[SourceFile], landing: "Landing") -> list[str]:
    return [call() for _, call in land_ahead(sources, landing.land)]


class Landing:
    """Tells how many were landed at once."""

    def __init__(self, together: int = 1) -> None:
        self._meet = threading.Barrier(together, timeout=60)
        self._busy = 0
        self._lock = threading.Lock()
        self.most = 0

    def land(self, source: SourceFile) -> str:
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
    def land(source: SourceFile) -> str:
        if source.uri.endswith("3"):
            raise PermanentError("not to be read")
        return source.uri

    told = []
    for source, call in land_ahead(_sources("s3://bucket/", 8), land):
        try:
            told.append(call())
        except PermanentError as error:
            told.append(f"{source.uri}: {error}")
    assert told[3] == "s3://bucket/003: not to be read"
    assert [uri for uri in told if ":" not in uri[5:]] == [
        f"s3://bucket/{n:03}" for n in (0, 1, 2, 4, 5, 6, 7)
    ]


def test_what_is_no_longer_wanted_is_not_begun() -> None:
    begun: list[SourceFile] = []
    for _, call in land_ahead(_sources("s3://bucket/", 1_000), begun.append):
        call()
        break
    assert len(begun) <= 3 * AT_ONCE
