"""Items: finds the messages in text, whatever its layout, one after the other.

NDJSON, arrays, objects in a row, pretty-printed or not, and any mix of them: every item says itself
where it ends, so the layout is never guessed. What is no value costs its own bytes only
(`etl.framing.damage`). Plain NDJSON is taken many lines at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from etl.framing.damage import DamageSearch, Kinds, KnownEnd, Search, StraySearch
from etl.framing.frames import (
    BROKEN,
    ITEM,
    TRUNCATED,
    FrameBatch,
    Int64Array,
    join_batches,
    make_batch,
)
from etl.framing.lines import Lines, find_lines
from etl.framing.lost_start import find_lost_start
from etl.framing.separators import (
    BLANKS,
    MAX_ARRAY_DEPTH,
    brackets_end,
    is_cut_mark,
    is_member_next,
    separators_end,
)
from etl.framing.values import CUT, DEEP, MAX_HELD_BYTES, WHOLE, Reading, read_value
from etl.framing.visible import Around, first_key

FIRST_LINE_BYTES: Final = 2**20
"""So many bytes are waited for to see how the first line of a damaged item ends."""
_OPEN_BRACE, _CLOSE_BRACE, _OPEN_BRACKET, _CLOSE_BRACKET = b"{}[]"
_NEWLINE, _RETURN, _QUOTE = b'\n\r"'
_SCALARS = frozenset(b'"-0123456789tfn')
_AFTER_SCALAR = frozenset(BLANKS + b"\0\x1e\x1a\xef,]}[{")
_MOST_SINGLES = 256
_TINY_BYTES, _MANY_TINY = 32, 1_000
"""So many damaged items in a row of so few bytes are noise: the next goes to the next message."""
_SIBLING_BYTES = 2**16
_META = b'"Meta"'
_LONGEST_INDENT = 2**12
_NO_INDENT = b"\0"

_decode = msgspec.json.Decoder(msgspec.Raw).decode


@dataclass(frozen=True, slots=True)
class Parts:
    """Counts the messages in an item: in every one (`in_all`), or in strings alone."""

    count: Callable[[bytes], int]
    in_all: bool = False


class ItemFramer:
    """Frames text that begins at the offset `start`; holds the item that is not ended yet.

    `parts` says how many messages an item holds. The ones after the first are items without bytes
    behind it, so that every message is an item and every byte belongs to one.
    """

    torn_bytes = 0
    counted_bytes: int | None = None

    def __init__(self, start: int, parts: Parts | None = None) -> None:
        self._parts = parts
        self.separator_bytes = 0
        self._base = start  # offset of the first byte that is held
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._needed_bytes = 1  # with fewer it is no use to look again
        self._found: list[FrameBatch] = []
        self._singles: list[tuple[int, int, int]] = []  # offset, length, kind
        self._search: Search | None = None
        self._depth = 0  # arrays that are open
        self._is_line_start, self._indent = True, b""  # since the line break: separators alone
        self._gap_at, self._gap_bytes = start, 0  # separators since the last item
        self._gap_has_line = self._gap_has_comma = self._has_nul = False
        self._has_items = self._is_cut = self._last_is_line = False
        self._sibling, self._sibling_has_meta = b"", False
        self._tiny_count = 0
        self._lost_end = 0  # where an item ends that has lost its start
        self._line_end = -1  # place in the content of the next line break, as found last
        self._lines_wait, self._lines_pause = (
            0,
            1,
        )  # items to be taken singly before lines are tried

    def feed(self, chunk: bytes) -> FrameBatch:
        """Take the next bytes; gives the items that are known to be complete."""
        self._held.append(chunk)
        self._held_bytes += len(chunk)
        if self._held_bytes < self._needed_bytes:
            return FrameBatch()
        self._frame(is_last=False)
        return self._hand_over()

    def finish(self) -> FrameBatch:
        """Tell that no bytes follow; gives the last items, and what shows that an end is missing."""
        self._frame(is_last=True)
        if self._depth and not self._is_cut:
            self._end_cut_array()
        elif self._has_nul and not self._has_items:
            self.separator_bytes -= self._gap_bytes
            self._add(self._gap_at, self._gap_bytes, BROKEN)
        return self._hand_over()

    def undecided_from(self) -> tuple[int, int]:
        """Return where the item begins that is open, and from where on it may end."""
        opened = self._base if self._search is None else min(self._search.start, self._base)
        return opened, self._base

    def _frame(self, *, is_last: bool) -> None:
        content = self._held[0] if len(self._held) == 1 else b"".join(self._held)
        self._line_end = -1
        at: int | None = 0
        done = 0
        while at is not None and (at < len(content) or (is_last and self._search)):
            at = self._step(content, at, is_last)
            done = at if at is not None else done
        if self._search is not None:
            done = max(done, min(self._search.needed_from() - self._base, len(content)))
        self._hold(content[done:])
        self._base += done

    def _hold(self, rest: bytes) -> None:
        """Keep bytes; how many must come with them for another look."""
        self._held, self._held_bytes = [rest], len(rest)
        many = self._search is None or self._search.waits
        self._needed_bytes = 2 * len(rest) if many else len(rest) + 1

    def _step(self, content: bytes, at: int, is_last: bool) -> int | None:
        """Take what is at `at`; gives the place behind it, None when more bytes are needed."""
        if self._search is not None:
            return self._continue_search(content, is_last)
        after = self._pass_separators(content, at)
        if after > at:
            return after
        if self._lost_end > self._base + at:
            self._search = KnownEnd(self._base + at, self._lost_end)
            return at
        if not is_last and is_cut_mark(content, at):
            return None
        return self._take_lines(content, at) or self._take_item(content, at, is_last)

    def _pass_separators(self, content: bytes, at: int) -> int:
        end = separators_end(content, at)
        if end > at:
            run = content[at:end]
            self._pass(end - at, has_comma=b"," in run)
            self._has_nul = self._has_nul or b"\0" in run
            newline = run.rfind(b"\n")
            if newline >= 0:
                self._gap_has_line = self._is_line_start = True
                self._indent = _bounded(run[newline + 1 :])
            elif self._is_line_start:
                self._indent = _bounded(self._indent + run)
        return end

    def _pass(self, count: int, *, has_comma: bool) -> None:
        self.separator_bytes += count
        self._gap_bytes += count
        self._gap_has_comma = self._gap_has_comma or has_comma

    def _take_item(self, content: bytes, at: int, is_last: bool) -> int | None:
        byte = content[at]
        if byte == _OPEN_BRACE:
            return self._take_value(content, at, is_last)
        if byte == _OPEN_BRACKET:
            return self._take_array(content, at, is_last)
        if byte == _CLOSE_BRACKET and self._depth:
            return self._take_brackets(content, at, step=-1)
        if byte in (_CLOSE_BRACE, _CLOSE_BRACKET):
            self._search = StraySearch(self._base + at, depth=self._depth)
            return at
        if byte in _SCALARS:
            return self._take_scalar(content, at, is_last)
        return self._begin_garbage(at)

    def _take_brackets(self, content: bytes, at: int, *, step: int) -> int:
        """Open or close an array, or as many as there are in a row."""
        end, depth = brackets_end(content, at, self._depth)
        if end == at:
            end, depth = at + 1, self._depth + step
        self._depth = depth
        self._pass(end - at, has_comma=True)
        self._leave_line_start()
        return end

    def _leave_line_start(self) -> None:
        self._is_line_start, self._indent = False, b""

    def _take_array(self, content: bytes, at: int, is_last: bool) -> int | None:
        if self._depth >= MAX_ARRAY_DEPTH:
            return self._take_value(content, at, is_last)
        if self._depth and self._gap_has_line and not self._gap_has_comma:
            self._end_cut_array()
        holds_items = self._holds_items(content, at, is_last)
        if holds_items is None:
            return None
        if holds_items:
            return self._take_brackets(content, at, step=1)
        return self._take_value(content, at, is_last)

    def _holds_items(self, content: bytes, at: int, is_last: bool) -> bool | None:
        """True if an array may hold messages; one of numbers and the like is one item."""
        end = separators_end(content, at + 1)
        if end == len(content):
            return True if is_last or end - at > FIRST_LINE_BYTES else None
        if content[end] in b"{[]" or b"\n" in content[at:end]:
            return True
        with memoryview(content) as view:
            state, place = read_value(view, at)
        if state is CUT and not is_last and len(content) - at < FIRST_LINE_BYTES:
            return None
        if state in (WHOLE, CUT):
            return b"{" in content[at:place]
        line_end = content.find(b"\n", at)
        return b"{" in content[at : line_end if line_end >= 0 else len(content)]

    def _take_value(self, content: bytes, at: int, is_last: bool) -> int | None:
        """Take an object, or an array that is an item."""
        state, end = self._read(content, at)
        if state is WHOLE:
            is_early = self._is_closed_early(content, at, end, is_last)
            if is_early is None:
                return None
            if not is_early:
                return self._end_item(content, at, end)
        is_held = len(content) - at < MAX_HELD_BYTES
        if state is CUT and not is_last and is_held:
            return None
        kinds = Kinds()
        if state is DEEP or (state is CUT and not is_held):
            kinds = Kinds(balanced=ITEM)  # the load refuses it, and says why
        elif state is CUT:
            kinds = Kinds(unended=TRUNCATED)
        return self._begin_damage(content, at, kinds, is_last)

    def _is_closed_early(self, content: bytes, at: int, end: int, is_last: bool) -> bool | None:
        """True if an object goes on behind its end; None when more bytes are needed to know."""
        is_member = is_member_next(content, end, is_last=is_last)
        if not is_member:
            return is_member
        lost_end = find_lost_start(content, at, end, is_last=is_last)
        if lost_end:
            self._lost_end = self._base + lost_end
        return None if lost_end is None else lost_end == 0

    def _around(self, content: bytes, at: int, *, is_plain_line: bool) -> Around:
        indent = b"" if self._indent.strip(b" \t") else self._indent
        return Around(
            indent=indent,
            is_bracketed=True,
            is_plain_line=is_plain_line,
            depth=self._depth,
            key=first_key(content, at),
            sibling=self._sibling,
        )

    def _read(self, content: bytes, at: int) -> tuple[Reading, int]:
        """Read a value; most often it is all that is on its line, which costs least."""
        with memoryview(content) as view:
            if self._gap_has_line or not self._has_items:
                end = self._find_line_end(content, at)
                while end > at and content[end - 1] in b" \t\r,":
                    end -= 1
                if content[end - 1] in b"}]":
                    with suppress(msgspec.DecodeError, RecursionError):
                        _decode(view[at:end])
                        return WHOLE, end
            return read_value(view, at)

    def _find_line_end(self, content: bytes, at: int) -> int:
        if self._line_end < at:
            found = content.find(b"\n", at)
            self._line_end = found if found >= 0 else len(content)
        return self._line_end

    def _take_scalar(self, content: bytes, at: int, is_last: bool) -> int | None:
        """Take a text, a number or a word; what goes on with other bytes is garbage."""
        with memoryview(content) as view:
            state, end = read_value(view, at)
        if not is_last and (state is CUT or (state is WHOLE and end == len(content))):
            is_short = len(content) - at < MAX_HELD_BYTES
            return None if is_short else self._begin_garbage(at)
        if state is not WHOLE or (end < len(content) and content[end] not in _AFTER_SCALAR):
            return self._begin_garbage(at)
        if content[at] == _QUOTE:
            rest = separators_end(content, end)
            if rest == len(content) and not is_last:
                return None
            if content[rest : rest + 1] == b":":
                return self._begin_garbage(at)
        return self._end_item(content, at, end)

    def _begin_garbage(self, at: int) -> int:
        """Take what begins with no value: a member whose object is lost, words, another format."""
        start = self._base + at
        is_line = self._gap_has_line or not self._has_items
        around = Around(b"", False, False, self._depth, b"", self._sibling)
        self._search = DamageSearch(
            start,
            around,
            Kinds(),
            ends_line=self._last_is_line and is_line and not self._depth,
            is_coarse=self._tiny_count >= _MANY_TINY,
        )
        return at

    def _begin_damage(self, content: bytes, at: int, kinds: Kinds, is_last: bool) -> int | None:
        line_end = content.find(b"\n", at)
        is_known = is_last or len(content) - at > FIRST_LINE_BYTES
        next_line = separators_end(content, line_end) if line_end >= 0 else len(content)
        if next_line == len(content) and not is_known:
            return None
        first_line = content[at : line_end if line_end >= 0 else len(content)].rstrip(b" \t\r,")
        is_closed = first_line.endswith(b"}") and len(first_line) > 2
        break_at = content.rfind(b"\n", at, next_line)
        around = self._around(content, at, is_plain_line=is_closed)
        if break_at >= 0 and next_line - break_at - 1 > len(around.indent):
            around = replace(around, is_plain_line=True)
        self._search = DamageSearch(
            self._base + at,
            around,
            kinds,
            ends_line=False,
            is_coarse=self._tiny_count >= _MANY_TINY,
        )
        return at

    def _continue_search(self, content: bytes, is_last: bool) -> int | None:
        assert self._search is not None
        end = self._search.find_end(content, self._base, is_last=is_last)
        if end is None:
            return None
        start, self._search = self._search.start, None
        self._add(start, end.at - start, end.kind)
        self._is_cut = is_last and end.kind != ITEM
        place = end.at - self._base
        self._line_end = -1
        return place

    def _end_item(self, content: bytes, at: int, end: int) -> int:
        """Add a good item."""
        is_line = self._gap_has_line or not self._has_items
        has_lines = end > self._find_line_end(content, at)
        self._add(self._base + at, end - at, ITEM)
        self._add_parts(self._base + end, self._count_parts(content, at, end) - 1)
        self._last_is_line = is_line and not has_lines
        if content[at] == _OPEN_BRACE:
            self._note_sibling(content[at:end] if end - at <= _SIBLING_BYTES else b"")
        self._lines_wait -= 1
        return end

    def _add_parts(self, offset: int, count: int) -> None:
        """Add the further messages of an item: items without bytes behind it."""
        if count > 0:
            self._flush_singles()
            self._found.append(make_batch([offset] * count, [0] * count))

    def _note_sibling(self, item: bytes) -> None:
        """Remember an object for comparison; one with Meta gives way only to another one."""
        has_meta = _META in item
        if has_meta or not self._sibling_has_meta:
            self._sibling, self._sibling_has_meta = item, has_meta

    def _count_parts(self, content: bytes, at: int, end: int) -> int:
        if self._parts is None or not (self._parts.in_all or content[at] == _QUOTE):
            return 1
        return self._parts.count(content[at:end])

    def _add(self, offset: int, length: int, kind: int) -> None:
        self._singles.append((offset, length, kind))
        self._has_items = True
        self._is_cut = False
        is_tiny = kind != ITEM and length < _TINY_BYTES
        self._tiny_count = self._tiny_count + 1 if is_tiny else 0
        self._leave_line_start()
        self._begin_gap(offset + length)

    def _begin_gap(self, offset: int) -> None:
        self._gap_at, self._gap_bytes = offset, 0
        self._gap_has_line = self._gap_has_comma = False

    def _end_cut_array(self) -> None:
        """An array that is never closed: what is behind its last item shows it."""
        self.separator_bytes -= self._gap_bytes
        self._add(self._gap_at, self._gap_bytes, TRUNCATED)
        self._depth = 0

    def _take_lines(self, content: bytes, at: int) -> int | None:
        """Take as many lines as are one object each and nothing else."""
        is_first = self._is_line_start and not self._indent and not self._depth
        if self._parts is not None and self._parts.in_all:
            return None
        if not is_first or self._lines_wait > 0 or content[at] != _OPEN_BRACE:
            return None
        lines = find_lines(content, at)
        if lines is None:
            self._lines_wait = self._lines_pause = min(2 * self._lines_pause, _MOST_SINGLES)
            return None
        self._lines_wait, self._lines_pause = 0, 1
        self._add_lines(self._base + lines.offset, lines.length)
        self.separator_bytes += len(lines.offset) + int(lines.returns.sum())
        self._end_lines(content, lines)
        return lines.end

    def _add_lines(self, offset: Int64Array, length: Int64Array) -> None:
        self._flush_singles()
        self._found.append(make_batch(offset, length))
        self._has_items, self._is_cut, self._last_is_line = True, False, True
        self._tiny_count = 0

    def _end_lines(self, content: bytes, lines: Lines) -> None:
        """Note the state behind lines."""
        self._is_line_start, self._indent = True, b""
        start, length = int(lines.offset[-1]), int(lines.length[-1])
        self._begin_gap(self._base + start + length)
        self._gap_bytes = lines.end - start - length
        self._gap_has_line = True
        self._last_is_line = content.find(b"\n", start, start + length) < 0
        self._note_sibling(content[start : start + length] if length <= _SIBLING_BYTES else b"")

    def _flush_singles(self) -> None:
        if self._singles:
            offset, length, kind = zip(*self._singles, strict=True)
            self._found.append(make_batch(offset, length, kind=kind))
            self._singles = []

    def _hand_over(self) -> FrameBatch:
        self._flush_singles()
        found, self._found = self._found, []
        return join_batches(found)


def _bounded(indent: bytes) -> bytes:
    """What a line begins with, in few bytes: a gigabyte of zeros or spaces is no indent."""
    return indent if len(indent) <= _LONGEST_INDENT else _NO_INDENT
