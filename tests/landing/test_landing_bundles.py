"""Bundles: many small objects in three files, each of them read, checked and erased alone."""

from __future__ import annotations

import hashlib
import io
import stat
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from etl.errors import PermanentError
from etl.framing.frames import PURGED
from etl.landing import bundle, bundles
from etl.landing.bundle import Erasure
from etl.landing.bundles import FEWEST_OBJECTS, Collector
from etl.landing.seekable import SeekableReader
from etl.landing.store import Landing

CONTENTS = [
    b"".join(b'{"object":%d,"n":%d}\n' % (number, line) for line in range(number % 4))
    for number in range(1, 41)
]
FEW = CONTENTS[: FEWEST_OBJECTS - 1]


@pytest.fixture(autouse=True)
def small_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "BLOCK_BYTES", 100)


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


def land_together(landing: Landing, contents: list[bytes]) -> list[str]:
    """Land contents in one bundle, if they are enough; gives the id of each."""
    collector = landing.new_collector()
    ids = [_land(landing, content, collector) for content in contents]
    collector.seal()
    return ids


def _land(landing: Landing, content: bytes, collector: Collector | None = None) -> str:
    stream = io.BytesIO(content)
    return landing.land(stream, uri="a.ndjson", collector=collector).object_id


def id_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def files(landing: Landing) -> list[Path]:
    return sorted(path for path in landing.root.rglob("*") if path.is_file())


def test_each_object_is_what_it_is_in_files_of_its_own(landing: Landing, tmp_path: Path) -> None:
    land_together(landing, CONTENTS)
    alone = Landing(tmp_path / "alone")
    for content in CONTENTS:
        object_id = _land(alone, content)
        assert landing.read(object_id, 0, len(content)) == content
        assert (
            landing.read(object_id, min(1, len(content)), max(len(content) - 1, 0)) == content[1:]
        )
        own, other = landing.describe(object_id), alone.describe(object_id)
        assert (own.item_count, own.size_bytes) == (other.item_count, other.size_bytes)
        for mine, theirs in zip(
            _arrays(landing, object_id), _arrays(alone, object_id), strict=True
        ):
            assert np.array_equal(mine, theirs)
        assert landing.is_unchanged(object_id)
    assert landing.object_ids() == sorted({*map(id_of, CONTENTS)}) == alone.object_ids()


def _arrays(landing: Landing, object_id: str) -> tuple[np.ndarray, ...]:
    items = landing.items(object_id)
    return items.offset, items.length, items.kind, items.received_at_us


def test_three_files_whatever_the_number_for_their_owner_only(landing: Landing) -> None:
    land_together(landing, CONTENTS)
    assert len(files(landing)) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in files(landing)} == {0o600}
    assert stat.S_IMODE((landing.root / "bundles").stat().st_mode) == 0o700


def test_few_objects_get_files_of_their_own(landing: Landing) -> None:
    land_together(landing, FEW)
    assert len(files(landing)) == 2 * len({*FEW})


def test_known_content_is_not_kept_twice(landing: Landing) -> None:
    land_together(landing, CONTENTS + CONTENTS)
    kept = files(landing)
    land_together(Landing(landing.root), CONTENTS)
    _land(landing, CONTENTS[0])
    assert files(landing) == kept


def test_an_object_in_files_of_its_own_stays_there(landing: Landing) -> None:
    first = _land(landing, CONTENTS[4])
    land_together(landing, CONTENTS)
    assert len(files(landing)) == 2 + 3
    assert landing.object_ids().count(first) == 1


def test_items_by_position_are_those_of_the_object(landing: Landing) -> None:
    land_together(landing, CONTENTS)
    three = CONTENTS[2]
    assert len(landing.items(id_of(three), 1, 2)) == 1
    assert len(landing.items(id_of(three), 1)) == 2
    assert len(landing.items(id_of(three), 3)) == len(landing.items(id_of(three), 7, 9)) == 0
    assert len(landing.items(id_of(three), 0, 99)) == 3


def test_another_process_finds_what_was_landed(landing: Landing) -> None:
    other = Landing(landing.root)
    assert not other.has(id_of(CONTENTS[0]))
    land_together(landing, CONTENTS)
    assert all(other.has(id_of(content)) for content in CONTENTS)


def test_one_reader_goes_through_a_bundle(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    monkeypatch.setattr(bundle.Bundle, "open", lambda own: opened.append(own) or _open(own))
    land_together(landing, CONTENTS)
    reader = None
    for content in CONTENTS:
        reader = landing.open_reader(id_of(content), instead_of=reader)
        assert reader.read(0, reader.size_bytes) == content
        assert reader.object_id == id_of(content)
    assert reader is not None
    alone = _land(landing, b"[1]")
    reader = landing.open_reader(alone, instead_of=reader)
    assert reader.read(0, 3) == b"[1]"
    reader.close()
    assert len(opened) == 1


_open = bundle.Bundle.open


def test_without_the_list_of_its_objects_a_bundle_was_never_landed(landing: Landing) -> None:
    land_together(landing, CONTENTS)
    (listed,) = landing.root.rglob("*.objects.parquet")
    listed.unlink()
    other = Landing(landing.root)
    assert other.object_ids() == []
    land_together(other, CONTENTS)
    assert other.read(id_of(CONTENTS[5]), 0, len(CONTENTS[5])) == CONTENTS[5]


def test_lost_bytes_are_noticed_and_healed_by_landing_again(landing: Landing) -> None:
    land_together(landing, CONTENTS)
    (content,) = landing.root.rglob("*.zst")
    content.unlink()
    other = Landing(landing.root)
    assert not other.keeps(id_of(CONTENTS[3]), in_place=False)
    land_together(other, CONTENTS)
    assert all(other.keeps(id_of(one), in_place=False) for one in CONTENTS)
    assert other.read(id_of(CONTENTS[6]), 0, len(CONTENTS[6])) == CONTENTS[6]


def test_damaged_bytes_are_never_given(landing: Landing) -> None:
    land_together(landing, CONTENTS)
    (content,) = landing.root.rglob("*.zst")
    damaged = bytearray(content.read_bytes())
    damaged[20] ^= 0xFF
    content.write_bytes(damaged)
    with pytest.raises(PermanentError, match="damaged"):
        for one in CONTENTS:
            landing.read(id_of(one), 0, len(one))


def test_damaged_lists_say_so(landing: Landing) -> None:
    land_together(landing, CONTENTS)
    (listed,) = landing.root.rglob("*.objects.parquet")
    listed.write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(PermanentError, match="damaged"):
        Landing(landing.root).describe(id_of(CONTENTS[0]))


def test_erased_items_are_spaces_and_neighbors_stay(landing: Landing) -> None:
    land_together(landing, CONTENTS)
    chosen, three = id_of(CONTENTS[2]), CONTENTS[2]
    items = landing.items(chosen)
    place = int(items.offset[1]), int(items.length[1])
    erasure = Erasure({1: place}, forget_uri=True)
    landing.erase({chosen: erasure})
    landing.erase({chosen: erasure})
    own = Landing(landing.root)
    kept = own.read(chosen, 0, len(three))
    assert kept == three[: place[0]] + b" " * place[1] + three[sum(place) :]
    assert own.items(chosen).kind.tolist() == [0, PURGED, 0]
    assert own.describe(chosen).uri == ""
    for content in CONTENTS:
        assert own.is_unchanged(id_of(content))
        if content != three:
            assert own.read(id_of(content), 0, len(content)) == content


def test_erased_objects_leave_no_byte(landing: Landing) -> None:
    land_together(landing, CONTENTS)
    gone = [content for content in CONTENTS if len(content) > 40]
    landing.remove([id_of(content) for content in gone])
    own = Landing(landing.root)
    assert not any(own.has(id_of(content)) for content in gone)
    path = next(own.root.rglob("*.zst"))
    with closing(SeekableReader(path)) as reader:
        everything = reader.read(0, reader.size_bytes)
    assert not any(content in everything for content in gone)
    left = {*CONTENTS} - {*gone}
    assert all(own.read(id_of(content), 0, len(content)) == content for content in left)
    own.remove([id_of(content) for content in left])
    assert files(own) == []


def test_few_bundles_are_in_memory(landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "_BUNDLES_IN_MEMORY", 1)
    for number in range(3):
        land_together(landing, [b'{"bundle":%d,"n":%d}' % (number, n) for n in range(10)])
    for number in (0, 2, 1, 0):
        content = b'{"bundle":%d,"n":4}' % number
        assert landing.read(id_of(content), 0, len(content)) == content
