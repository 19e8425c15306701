"""Wide text: framing of UTF-16 and UTF-32, in which a brace is not the byte of a brace.

The text is framed as UTF-8; the places found are those of the received bytes, unit by unit.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from etl.encodings import UNIT_BYTES, to_utf8
from etl.framing.frames import TRUNCATED, FrameBatch, Framer, Int64Array, join_batches, make_batch

_CONTINUATION_MASK, _CONTINUATION = 0xC0, 0x80
_FOUR_BYTES = 0xF0  # first byte of a character that UTF-16 writes with two units


class TextFramer(Framer, Protocol):
    """A framer of UTF-8 that says how far it is."""

    def undecided_from(self) -> tuple[int, int]:
        """Return where the item begins that is open, and from where on it may end."""
        ...


@dataclass(slots=True)
class _Stretch:
    """Bytes that were decoded together: where they begin as received and as UTF-8.

    `text` is None when no item can begin or end in them any more.
    """

    received_at: int
    at: int
    length: int
    text: bytes | None
    widths: Int64Array | None = None


class WideTextFramer:
    """Frames text of two or four bytes a unit; a cut unit at the end is an item of its own."""

    torn_bytes = 0
    counted_bytes: int | None = None

    def __init__(self, encoding: str, framer: TextFramer) -> None:
        self._encoding = encoding
        self._unit = UNIT_BYTES[encoding]
        self._framer = framer
        self._rest = b""  # received bytes that do not make a character yet
        self._received_bytes = self._text_bytes = self._item_bytes = 0
        self._stretches: deque[_Stretch] = deque()
        self._last_end = (0, 0)  # of the last item: as UTF-8, as received

    @property
    def separator_bytes(self) -> int:
        return self._received_bytes - self._item_bytes

    def feed(self, chunk: bytes) -> FrameBatch:
        """Take the next bytes; gives the items that are complete."""
        received = self._rest + chunk
        whole = self._whole_bytes(received)
        self._rest = received[whole:]
        return self._place(self._framer.feed(self._decode(received[:whole])))

    def finish(self) -> FrameBatch:
        """Tell that no bytes follow; gives the last items."""
        whole = len(self._rest) // self._unit * self._unit
        text = self._decode(self._rest[:whole])
        batches = [self._place(self._framer.feed(text)), self._place(self._framer.finish())]
        if cut := len(self._rest) - whole:
            batches.append(make_batch([self._received_bytes], [cut], kind=TRUNCATED))
            self._received_bytes += cut
            self._item_bytes += cut
        return join_batches(batches)

    def _whole_bytes(self, received: bytes) -> int:
        """How many bytes are whole characters; the first half of a pair waits for the second."""
        whole = len(received) // self._unit * self._unit
        if self._unit == 2 and whole:
            order = "big" if self._encoding.endswith("be") else "little"
            unit = int.from_bytes(received[whole - 2 : whole], order)  # type: ignore[arg-type]
            if unit & 0xFC00 == 0xD800:
                whole -= 2
        return whole

    def _decode(self, received: bytes) -> bytes:
        text = to_utf8(received, self._encoding)
        if text:
            self._stretches.append(
                _Stretch(self._received_bytes, self._text_bytes, len(text), text)
            )
        self._received_bytes += len(received)
        self._text_bytes += len(text)
        return text

    def _place(self, found: FrameBatch) -> FrameBatch:
        """The items with their places in the received bytes."""
        if len(found):
            starts = [self._received_place(at) for at in found.offset.tolist()]
            ends = [self._received_place(at) for at in (found.offset + found.length).tolist()]
            self._last_end = int(found.offset[-1] + found.length[-1]), ends[-1]
            length = np.asarray(ends, np.int64) - starts
            self._item_bytes += int(length.sum())
            found = FrameBatch(
                np.asarray(starts, np.int64), length, found.kind, found.received_at_us
            )
        self._forget()
        return found

    def _received_place(self, at: int) -> int:
        """Where a place of the UTF-8 text is in the received bytes."""
        if at == self._last_end[0]:
            return self._last_end[1]
        stretch = self._find_stretch(at)
        if stretch is None:
            return self._received_bytes
        if stretch.widths is None:
            assert stretch.text is not None
            stretch.widths = self._widths(stretch.text)
        return stretch.received_at + int(stretch.widths[at - stretch.at])

    def _find_stretch(self, at: int) -> _Stretch | None:
        return next((one for one in self._stretches if at < one.at + one.length), None)

    def _widths(self, text: bytes) -> Int64Array:
        """Received bytes before each byte of a stretch."""
        content = np.frombuffer(text, np.uint8)
        units = ((content & _CONTINUATION_MASK) != _CONTINUATION).astype(np.int64)
        if self._unit == 2:
            units += content >= _FOUR_BYTES
        return np.concatenate([np.zeros(1, np.int64), np.cumsum(units) * self._unit])

    def _forget(self) -> None:
        """Drop what no place will be asked of again, but where the item that is open begins."""
        opened, undecided = self._framer.undecided_from()
        while self._stretches and self._stretches[0].at + self._stretches[0].length <= opened:
            self._stretches.popleft()
        for number, stretch in enumerate(self._stretches):
            if number and stretch.at + stretch.length <= undecided and stretch.text is not None:
                stretch.text = None
            if stretch.at > undecided:
                break
