"""Objects that stay in place: read at their source, and told when it is not what it was."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from etl.errors import PermanentError
from etl.landing.store import LandedObject, Landing
from tests.landing.kept import LINES


class LocalFiles:
    """Files by their path, gzip when the name says so; marked by size and time."""

    def __init__(self, *, is_seekable: bool = True) -> None:
        self.openings = 0
        self._is_seekable = is_seekable

    @contextmanager
    def open(self, uri: str) -> Iterator[BinaryIO]:
        self.openings += 1
        with gzip.open(uri) if uri.endswith(".gz") else Path(uri).open("rb") as file:
            if not self._is_seekable:
                file.seekable = lambda: False  # type: ignore[method-assign]
            yield cast(BinaryIO, file)

    def mark(self, uri: str) -> str:
        try:
            status = os.stat(uri)
        except FileNotFoundError:
            return ""
        return f"{status.st_size}:{status.st_mtime_ns}"


def land_in_place(landing: Landing, sources: LocalFiles, path: Path) -> LandedObject:
    with sources.open(str(path)) as stream:
        return landing.land(
            stream, uri=str(path), in_place=True, source_mark=sources.mark(str(path))
        )


@pytest.fixture(params=["plain.ndjson", "packed.ndjson.gz"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / str(request.param)
    path.write_bytes(gzip.compress(LINES) if path.suffix == ".gz" else LINES)
    return path


@pytest.mark.parametrize("is_seekable", [True, False])
def test_ranges_are_read_at_the_source_in_any_order(
    tmp_path: Path, source: Path, is_seekable: bool
) -> None:
    sources = LocalFiles(is_seekable=is_seekable and source.suffix == ".gz")
    landing = Landing(tmp_path / "landing", sources=sources)
    landed = land_in_place(landing, sources, source)
    assert landed.in_place
    assert not list(landing.root.rglob("*.zst"))
    assert len(landing.items(landed.object_id)) == 500
    reader = landing.open_reader(landed.object_id)
    for offset, length in [(0, 10), (10, 5), (3000, 7), (4, 4), (len(LINES), 0)]:
        assert reader.read(offset, length) == LINES[offset : offset + length]
    reader.close()
    assert landing.is_unchanged(landed.object_id)


@pytest.mark.parametrize("change", ["gone", "grown", "touched"])
def test_a_source_that_is_not_what_it_was_is_told(
    tmp_path: Path, source: Path, change: str
) -> None:
    sources = LocalFiles()
    landing = Landing(tmp_path / "landing", sources=sources)
    object_id = land_in_place(landing, sources, source).object_id
    if change == "gone":
        source.unlink()
    elif change == "grown":
        source.write_bytes(source.read_bytes() + b"x")
    else:
        os.utime(source, ns=(1, 1))
    with pytest.raises(PermanentError, match="is missing or has changed") as told:
        landing.read(object_id, 0, 5)
    assert source.name not in str(told.value)


def test_a_touched_source_reads_again_once_it_is_landed_again(tmp_path: Path, source: Path) -> None:
    sources = LocalFiles()
    landing = Landing(tmp_path / "landing", sources=sources)
    land_in_place(landing, sources, source)
    os.utime(source, ns=(1, 1))
    landed = land_in_place(landing, sources, source)
    assert landing.read(landed.object_id, 0, 5) == LINES[:5]


def test_bytes_that_are_kept_win_over_bytes_in_place(tmp_path: Path, source: Path) -> None:
    sources = LocalFiles()
    landing = Landing(tmp_path / "landing", sources=sources)
    in_place = land_in_place(landing, sources, source)
    kept = landing.land(io.BytesIO(LINES), uri="copy")
    assert kept.object_id == in_place.object_id
    assert not landing.describe(kept.object_id).in_place
    source.unlink()
    assert landing.read(kept.object_id, 0, 5) == LINES[:5]
    source.write_bytes(gzip.compress(LINES) if source.suffix == ".gz" else LINES)
    assert not land_in_place(landing, sources, source).in_place


def test_a_source_shorter_than_its_mark_promises_is_told(tmp_path: Path) -> None:
    path = tmp_path / "plain.ndjson"
    path.write_bytes(LINES)
    sources = LocalFiles()
    landing = Landing(tmp_path / "landing", sources=sources)
    object_id = land_in_place(landing, sources, path).object_id
    status = path.stat()
    reader = landing.open_reader(object_id)
    path.write_bytes(LINES[:100])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(PermanentError, match="has changed"):
        reader.read(90, 50)
    reader.close()
