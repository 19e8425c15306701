"""Lines: frames NDJSON. Every line that is not blank is one item, whatever it holds."""

from __future__ import annotations

import numpy as np

from etl.landing.frames import FrameBatch, Int64Array, make_batch
from etl.landing.structure import BoolArray, BytesArray
from etl.landing.validity import WHITESPACE

_NEWLINE, _RETURN, _SPACE = 0x0A, 0x0D, 0x20


class LinesFramer:
    """Frames lines ended by LF or CRLF, the last one by the end; holds no bytes."""

    torn_bytes = 0

    def __init__(self, start: int) -> None:
        self.separator_bytes = 0
        self._at = start  # offset in the content of the next byte to be fed
        self._open_at = start  # where the line began that is not ended yet
        self._open_has_text = False
        self._last_byte = _NEWLINE

    def feed(self, chunk: bytes) -> FrameBatch:
        """Take the next bytes; gives the lines that end in them."""
        if not chunk:
            return FrameBatch()
        content = np.frombuffer(chunk, np.uint8)
        newline = np.flatnonzero(content == _NEWLINE)
        batch = self._end_lines(chunk, content, newline) if len(newline) else FrameBatch()
        tail_at = int(newline[-1]) + 1 if len(newline) else 0
        if len(newline):
            self._open_at, self._open_has_text = self._at + tail_at, False
        self._open_has_text = self._open_has_text or _has_text(chunk, tail_at, len(chunk))
        self._last_byte = chunk[-1]
        self._at += len(chunk)
        return batch

    def finish(self) -> FrameBatch:
        """Tell that no bytes follow; gives the last line when nothing ended it."""
        length = self._at - self._open_at
        if not self._open_has_text:
            self.separator_bytes += length
            return FrameBatch()
        if self._last_byte == _RETURN:
            self.separator_bytes += 1
            length -= 1
        return make_batch([self._open_at], [length])

    def _end_lines(self, chunk: bytes, content: BytesArray, newline: Int64Array) -> FrameBatch:
        start = np.empty_like(newline)
        start[0] = self._open_at - self._at  # negative when the line began in an earlier chunk
        start[1:] = newline[:-1] + 1
        length = newline - start
        before = content[newline - 1]
        if newline[0] == 0:
            before[0] = self._last_byte
        has_return = (before == _RETURN) & (length > 0)
        length -= has_return
        has_text = self._find_text(chunk, content, start, length)
        blank_bytes = int(length[~has_text].sum())
        self.separator_bytes += len(newline) + int(has_return.sum()) + blank_bytes
        return make_batch(self._at + start[has_text], length[has_text])

    def _find_text(
        self, chunk: bytes, content: BytesArray, start: Int64Array, length: Int64Array
    ) -> BoolArray:
        has_text = length > 0
        maybe_blank = has_text & (content[np.maximum(start, 0)] <= _SPACE)
        maybe_blank[0] = has_text[0]  # its first byte may be in an earlier chunk
        for line in np.flatnonzero(maybe_blank).tolist():
            begin = max(int(start[line]), 0)
            has_text[line] = _has_text(chunk, begin, int(start[line] + length[line]))
        has_text[0] |= self._open_has_text
        return has_text


def _has_text(chunk: bytes, begin: int, end: int) -> bool:
    """Whether anything but whitespace stands between two positions."""
    if begin < end and chunk[begin] > _SPACE:
        return True
    return bool(chunk[begin:end].strip(WHITESPACE))
