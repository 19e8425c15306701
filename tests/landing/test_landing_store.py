"""The landing store: what goes in comes out, once, and for its owner only."""

from __future__ import annotations

import hashlib
import io
import stat

import pytest
import pyzstd
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.errors import PermanentError
from etl.framing.frames import ITEM
from etl.framing.segments import MAGIC, encode_record
from etl.landing.store import LandedObject, Landing
from tests.landing.kept import LINES, NOW, land, list_files


def test_a_landed_object_is_described_by_its_content(landing: Landing) -> None:
    landed = land(landing, LINES)
    assert landed == LandedObject(
        object_id=hashlib.sha256(LINES).hexdigest(),
        uri="file.ndjson",
        size_bytes=len(LINES),
        item_count=500,
        separator_bytes=500,
        torn_bytes=0,
        in_place=False,
        landed_at=NOW,
    )
    assert landing.describe(landed.object_id) == landed
    assert landing.object_ids() == [landed.object_id]


def test_items_are_found_by_position(landing: Landing) -> None:
    object_id = land(landing, LINES).object_id
    everything = landing.items(object_id)
    lines = LINES.splitlines()
    assert everything.length.tolist() == [len(line) for line in lines]
    for start, stop in [(0, 1), (63, 65), (100, 400), (499, 500), (490, 900), (5, 5), (900, None)]:
        part = landing.items(object_id, start, stop)
        assert part.offset.tolist() == everything.offset[start:stop].tolist()
        assert set(part.kind.tolist()) <= {ITEM}


def test_every_item_reads_as_it_came(landing: Landing) -> None:
    object_id = land(landing, LINES).object_id
    items = landing.items(object_id)
    reader = landing.open_reader(object_id)
    read = [reader.read(*place) for place in zip(items.offset, items.length, strict=True)]
    assert read == LINES.splitlines()
    assert reader.read(0, len(LINES)) == LINES
    assert reader.read(10, 0) == b""
    assert landing.read(object_id, 995, 20) == LINES[995:1015]
    assert landing.is_unchanged(object_id)
    reader.close()


@settings(max_examples=15, deadline=None)
@given(content=st.binary(max_size=5_000), data=st.data())
def test_any_range_of_any_content_comes_back(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, data: st.DataObject
) -> None:
    landing = Landing(tmp_path_factory.mktemp("landing"))
    object_id = land(landing, content).object_id
    offset = data.draw(st.integers(0, len(content)))
    length = data.draw(st.integers(0, len(content) - offset))
    assert landing.read(object_id, offset, length) == content[offset : offset + length]
    assert landing.read(object_id, 0, len(content)) == content


def test_any_zstd_tool_reads_the_bytes(landing: Landing) -> None:
    object_id = land(landing, LINES).object_id
    path = landing.root / object_id[:2] / f"{object_id}.zst"
    with pyzstd.SeekableZstdFile(str(path)) as file:
        assert file.read() == LINES
    with pyzstd.ZstdFile(str(path)) as file:
        assert file.read() == LINES


def test_received_times_of_a_segment_are_kept(landing: Landing) -> None:
    content = MAGIC + encode_record(5, b"{}") + encode_record(6, b'{"a":1}') + b"torn"
    landed = land(landing, content)
    assert landing.items(landed.object_id).received_at_us.tolist() == [5, 6]
    assert (landed.item_count, landed.torn_bytes) == (2, 4)


def test_same_content_lands_once(landing: Landing) -> None:
    first = land(landing, LINES)
    files = list_files(landing)
    again = landing.land(io.BytesIO(LINES), uri="other.ndjson")
    assert again == first
    assert list_files(landing) == files


def test_nothing_is_an_object_too(landing: Landing) -> None:
    landed = land(landing, b"")
    assert (landed.size_bytes, landed.item_count) == (0, 0)
    assert len(landing.items(landed.object_id)) == 0
    assert landing.read(landed.object_id, 0, 0) == b""


def test_files_are_for_their_owner_only(landing: Landing) -> None:
    land(landing, LINES)
    for path in [landing.root, *landing.root.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600)


def test_removed_object_leaves_nothing(landing: Landing) -> None:
    object_id = land(landing, LINES).object_id
    landing.remove([object_id])
    landing.remove([object_id])
    assert list_files(landing) == []
    assert not landing.has(object_id)
    for act in (landing.describe, landing.items, landing.open_reader):
        with pytest.raises(PermanentError, match="restore it"):
            act(object_id)


def test_lost_bytes_are_healed_by_landing_again(landing: Landing) -> None:
    object_id = land(landing, LINES).object_id
    (landing.root / object_id[:2] / f"{object_id}.zst").unlink()
    land(landing, LINES)
    assert landing.read(object_id, 0, 5) == LINES[:5]


def test_a_source_may_give_less_than_asked(landing: Landing) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 7, 7))

    landed = landing.land(Slow(LINES), uri="x")
    assert landed.object_id == hashlib.sha256(LINES).hexdigest()
