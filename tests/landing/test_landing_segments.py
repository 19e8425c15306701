"""Segments: what was acknowledged is found again, what was not is counted."""

from __future__ import annotations

import random
import struct
import zlib
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.framing.frames import BROKEN, ITEM, NO_TIME
from etl.framing.range_checksum import STEP_BYTES, RangeChecksums
from etl.framing.segments import HEADER_BYTES, MAGIC, MAX_BODY_BYTES, encode_record, scan_segment
from tests.growth import least_seconds

BODIES = [b'{"Meta":1}', b"", b"\xff not json", b"x" * 5000]


def make_segment(bodies: list[bytes]) -> bytes:
    return MAGIC + b"".join(encode_record(1_000 + at, body) for at, body in enumerate(bodies))


def cut(content: bytes, size: int) -> list[bytes]:
    return [content[at : at + size] for at in range(0, len(content), size)]


def read_bodies(content: bytes, chunk_bytes: int = 64) -> list[bytes]:
    scan = scan_segment(cut(content, chunk_bytes))
    assert scan.separator_bytes + scan.torn_bytes + scan.items.length.sum() == len(content)
    return [
        content[offset : offset + length]
        for offset, length in zip(scan.items.offset, scan.items.length, strict=True)
    ]


@pytest.mark.parametrize("chunk_bytes", [1, 7, 4096, 1_000_000])
def test_bodies_come_back_with_their_times(chunk_bytes: int) -> None:
    content = make_segment(BODIES)
    scan = scan_segment(cut(content, chunk_bytes))
    assert read_bodies(content, chunk_bytes) == BODIES
    assert scan.items.received_at_us.tolist() == [1_000, 1_001, 1_002, 1_003]
    assert set(scan.items.kind.tolist()) == {ITEM}
    assert (scan.torn_bytes, scan.separator_bytes) == (0, len(MAGIC) + 4 * HEADER_BYTES)


@given(bodies=st.lists(st.binary(max_size=60), max_size=5), data=st.data())
def test_a_cut_segment_keeps_every_whole_record(bodies: list[bytes], data: st.DataObject) -> None:
    content = make_segment(bodies)
    end = data.draw(st.integers(0, len(content)))
    ends = [len(make_segment(bodies[:count])) for count in range(len(bodies) + 1)]
    whole = sum(1 for record_end in ends[1:] if record_end <= end)
    scan = scan_segment(cut(content[:end], data.draw(st.integers(1, 90))))
    assert len(scan.items) == whole
    assert scan.torn_bytes == (end - ends[whole] if end >= len(MAGIC) else end)


@pytest.mark.parametrize("tail", [b"\0" * 100, b"\xffRW\n" + b"\xff" * 40, b"{}"])
def test_a_tail_that_is_no_record_is_torn(tail: bytes) -> None:
    scan = scan_segment(cut(make_segment(BODIES) + tail, 50))
    assert len(scan.items) == len(BODIES)
    assert scan.torn_bytes == len(tail)


@pytest.mark.parametrize("damage_at", [0, 2, 6, 10, 19, 20, 25])
@pytest.mark.parametrize("chunk_bytes", [1, 13, 10_000])
def test_damage_before_an_intact_record_is_one_broken_item(
    damage_at: int, chunk_bytes: int
) -> None:
    first, second, third = (encode_record(at, b'{"a":1}') for at in range(3))
    damaged = bytearray(second)
    damaged[damage_at] ^= 0x40
    content = MAGIC + first + bytes(damaged) + third
    scan = scan_segment(cut(content, chunk_bytes))
    assert scan.items.kind.tolist() == [ITEM, BROKEN, ITEM]
    assert scan.items.offset[1] == len(MAGIC + first)
    assert scan.items.length[1] == len(second)
    assert scan.items.received_at_us.tolist() == [0, NO_TIME, 2]
    assert scan.torn_bytes == 0


def test_a_lost_magic_does_not_lose_the_records() -> None:
    content = b"XXXXXXX" + encode_record(5, b"{}")
    assert read_bodies(content) == [b"XXXXXXX", b"{}"]


def test_a_body_that_is_too_long_is_refused() -> None:
    class Long(bytes):
        def __len__(self) -> int:
            return MAX_BODY_BYTES + 1

    with pytest.raises(ValueError, match="at most"):
        encode_record(0, Long())


@settings(deadline=None)
@given(
    content=st.binary(min_size=1, max_size=5 * STEP_BYTES),
    before=st.binary(max_size=20),
    data=st.data(),
)
def test_checksum_of_a_range_is_that_of_its_bytes(
    content: bytes, before: bytes, data: st.DataObject
) -> None:
    buffer, start = bytearray(content), 1000
    checksums = RangeChecksums(start)
    for _ in range(4):
        first = data.draw(st.integers(start, start + len(buffer)))
        stop = data.draw(st.integers(first, start + len(buffer)))
        found = checksums.checksum(buffer, first=first, stop=stop, before=zlib.crc32(before))
        assert found == zlib.crc32(before + buffer[first - start : stop - start])
        dropped = data.draw(st.integers(0, len(buffer)))
        checksums.move_to(buffer, start + dropped)
        del buffer[:dropped]
        start += dropped


def false_headers(size_bytes: int, *, every: int) -> bytes:
    """Headers that claim about all that follows, with an intact record in each `every` of them."""
    dice, parts, length = random.Random(7), [MAGIC], len(MAGIC)
    while length < size_bytes:
        if every and len(parts) % every == 0:
            parts.append(encode_record(1, b"kept"))
        else:
            claimed = dice.randint(size_bytes // 4, max(size_bytes // 2, size_bytes - length - 40))
            parts.append(b"\xffRW\n" + struct.pack("<IqI", claimed, 1, dice.getrandbits(32)))
        length += len(parts[-1])
    return b"".join(parts)


@pytest.mark.parametrize("every", [0, 2, 100])
def test_false_headers_are_read_in_linear_time(every: int) -> None:
    took = []
    for size_bytes in (2**16, 2**18):
        content = false_headers(size_bytes, every=every)
        chunks = cut(content, 2**16)
        took.append(least_seconds(partial(scan_segment, chunks)))
        scan = scan_segment(chunks)
        kept = content.count(encode_record(1, b"kept"))
        assert scan.items.kind.tolist().count(ITEM) == kept
    assert took[1] < 10 * took[0]
