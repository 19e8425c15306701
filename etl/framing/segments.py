"""Webhook segments: the file format in which received bodies wait to be loaded.

A segment is MAGIC, then records: marker, body length (u32), received_at in microseconds UTC (i64),
CRC-32 of length, time and body (u32), all little-endian, then the body as received. The receiver
appends records and acknowledges after its fsync, so a tail that is cut short or fails its checksum
was never acknowledged: it is counted as torn, not as an item. Damage *before* an intact record is
something else: those bytes may have been acknowledged and become one broken item. The marker holds
the byte FF, which no UTF-8 body contains, so the next intact record can be found.

Here live the format and its reading; opening, rotating and acknowledging live with the receiver.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from etl.framing.frames import BROKEN, ITEM, NO_TIME, FrameBatch, join_batches, make_batch
from etl.framing.range_checksum import RangeChecksums

MAGIC = b"RWSEG1\n"
MARKER = b"\xffRW\n"
MAX_BODY_BYTES = 256 * 2**20
"""A longer length is damage: it would make the reader wait for bytes that never come."""
SHORT_BYTES = 2**12
"""Of so few bytes a checksum costs no more than finding it by other means."""

_FIELDS = struct.Struct("<Iq")
_CHECKSUM = struct.Struct("<I")
_FIELDS_END = len(MARKER) + _FIELDS.size
HEADER_BYTES = _FIELDS_END + _CHECKSUM.size


def encode_record(received_at_us: int, body: bytes) -> bytes:
    """Encode one record, ready to append; raises ValueError when the body is too long."""
    if len(body) > MAX_BODY_BYTES:
        raise ValueError(f"A segment record holds at most {MAX_BODY_BYTES} bytes; refuse the body.")
    fields = _FIELDS.pack(len(body), received_at_us)
    checksum = zlib.crc32(body, zlib.crc32(fields))
    return b"".join((MARKER, fields, _CHECKSUM.pack(checksum), body))


@dataclass(frozen=True, slots=True)
class SegmentScan:
    """What a segment holds: its items in order, and how many bytes are no item."""

    items: FrameBatch
    separator_bytes: int
    torn_bytes: int


def scan_segment(chunks: Iterable[bytes]) -> SegmentScan:
    """Find the bodies in a segment; `items.received_at_us` says when each was received."""
    framer = SegmentFramer()
    batches = [framer.feed(chunk) for chunk in chunks]
    batches.append(framer.finish())
    return SegmentScan(join_batches(batches), framer.separator_bytes, framer.torn_bytes)


class SegmentFramer:
    """Frames a segment; holds at most one record and one chunk in memory.

    `count_parts` says how many messages a body holds; those after the first are items without bytes.
    """

    def __init__(self, count_parts: Callable[[bytes], int] | None = None) -> None:
        self._count_parts = count_parts
        self.counted_bytes: int | None = None
        self.separator_bytes = 0
        self.torn_bytes = 0
        self._pending = bytearray()
        self._start = 0  # offset in the segment of the first pending byte
        self._damaged_at: int | None = None
        self._has_magic = False
        self._ranges: RangeChecksums | None = None  # once there was damage
        self._found: list[tuple[int, int, int, int]] = []

    def feed(self, chunk: bytes) -> FrameBatch:
        """Take the next bytes; gives the items that are complete."""
        self._pending += chunk
        self._take_records(is_last=False)
        return self._hand_over()

    def finish(self) -> FrameBatch:
        """Tell that no bytes follow; what is left is a torn tail."""
        self._take_records(is_last=True)
        end = self._start + len(self._pending)
        torn_from = self._start if self._damaged_at is None else self._damaged_at
        self.torn_bytes = end - torn_from
        self._pending = bytearray()
        return self._hand_over()

    def _take_records(self, *, is_last: bool) -> None:
        at = self._skip_magic()
        while at is not None and at + HEADER_BYTES <= len(self._pending):
            length = self._body_length(at)
            if length is not None and at + HEADER_BYTES + length > len(self._pending):
                if not is_last:
                    break
                length = None  # cut short: an intact record may still follow inside
            if length is not None and self._is_intact(at, length):
                at = self._take_record(at, length)
            else:
                at = self._skip_damage(at)
        self._drop(at or 0)

    def _skip_magic(self) -> int | None:
        if self._has_magic or self._damaged_at is not None:
            return 0
        if len(self._pending) < len(MAGIC):
            return None
        if self._pending.startswith(MAGIC):
            self._has_magic = True
            self.separator_bytes += len(MAGIC)
            return len(MAGIC)
        return self._skip_damage(0)

    def _body_length(self, at: int) -> int | None:
        """The length that a record's header claims, None when there is no header."""
        if not self._pending.startswith(MARKER, at):
            return None
        length = int(_FIELDS.unpack_from(self._pending, at + len(MARKER))[0])
        return length if length <= MAX_BODY_BYTES else None

    def _is_intact(self, at: int, length: int) -> bool:
        expected = int(_CHECKSUM.unpack_from(self._pending, at + _FIELDS_END)[0])
        body_at = at + HEADER_BYTES
        with memoryview(self._pending) as view:
            before = zlib.crc32(view[at + len(MARKER) : at + _FIELDS_END])
            if self._ranges is None or length <= SHORT_BYTES:
                return zlib.crc32(view[body_at : body_at + length], before) == expected
        first = self._start + body_at
        found = self._ranges.checksum(
            self._pending, first=first, stop=first + length, before=before
        )
        return found == expected

    def _take_record(self, at: int, length: int) -> int:
        if self._damaged_at is not None:
            damaged = self._start + at - self._damaged_at
            self._found.append((self._damaged_at, damaged, BROKEN, NO_TIME))
            self._damaged_at = None
        received_at_us = _FIELDS.unpack_from(self._pending, at + len(MARKER))[1]
        body_at = at + HEADER_BYTES
        self._found.append((self._start + body_at, length, ITEM, received_at_us))
        if self._count_parts is not None:
            end, body = body_at + length, bytes(self._pending[body_at : body_at + length])
            part = (self._start + end, 0, ITEM, received_at_us)
            self._found += [part] * (self._count_parts(body) - 1)
        self.separator_bytes += HEADER_BYTES
        return body_at + length

    def _skip_damage(self, at: int) -> int:
        """Where the next record may begin after the byte at `at`."""
        if self._damaged_at is None:
            self._damaged_at = self._start + at
        if self._ranges is None:
            self._ranges = RangeChecksums(self._start)
        following = self._pending.find(MARKER, at + 1)
        if following >= 0:
            return following
        return max(at + 1, len(self._pending) - len(MARKER) + 1)

    def _drop(self, count: int) -> None:
        if self._ranges is not None:
            self._ranges.move_to(self._pending, self._start + count)
        del self._pending[:count]
        self._start += count

    def _hand_over(self) -> FrameBatch:
        found, self._found = self._found, []
        offset, length, kind, received_at_us = zip(*found, strict=True) if found else ((),) * 4
        return make_batch(offset, length, kind=kind, received_at_us=received_at_us)
