"""Damage: where an item ends that is no JSON value.

It ends where its brackets and quotes balance and something follows that may stand behind an item, or
where the next message can be seen to begin, whichever comes first. What shows neither goes to the
end. Holds no more of the item than looking for a beginning needs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Protocol

from etl.framing.frames import BROKEN
from etl.framing.separators import BLANKS, LOOKAHEAD_BYTES, is_end
from etl.framing.structure import StructureScanner
from etl.framing.values import MAX_HELD_BYTES
from etl.framing.visible import MATCH_BYTES, REACH_BYTES, WAIT, Around, Visibility

KEEP_BYTES: Final = REACH_BYTES + LOOKAHEAD_BYTES
_FIRST_WINDOW = 512
_TRIMMED = BLANKS + b"\0,"
_MOST_BETWEEN = 64
"""So many blanks may stand between stray brackets of one item."""


@dataclass(frozen=True, slots=True)
class End:
    """The offset at which a damaged item ends, and its kind."""

    at: int
    kind: int


class Search(Protocol):
    """The search for the end of one item; is given the content as it comes."""

    start: int
    waits: bool
    """Whether a value that is being read needs many more bytes."""

    def find_end(self, content: bytes, base: int, *, is_last: bool) -> End | None:
        """Continue in `content`, whose first byte has the offset `base`; None: more is needed."""
        ...

    def needed_from(self) -> int:
        """Offset of the first byte that must be given again."""
        ...


@dataclass(frozen=True, slots=True)
class Kinds:
    """Of which kind an item is when its brackets balance, and when nothing ends it."""

    balanced: int = BROKEN
    unended: int = BROKEN


class DamageSearch:
    """Looks for the end of an item by its brackets and by what begins behind it.

    With `ends_line` the item ends with its line; `is_coarse` looks for beginnings alone.
    """

    def __init__(
        self, start: int, around: Around, kinds: Kinds, *, ends_line: bool, is_coarse: bool
    ) -> None:
        self.start = start
        self.waits = False
        self._around, self._kinds = around, kinds
        self._visible = Visibility(around)
        self._ends_line, self._is_coarse = ends_line, is_coarse
        self._scanner = StructureScanner(with_commas=not around.is_bracketed)
        self._seen = self._scanned = start  # offsets up to which was searched, and scanned
        self._ends: list[int] = []  # where it may end, of what was scanned but not searched

    def find_end(self, content: bytes, base: int, *, is_last: bool) -> End | None:
        size, self.waits = _FIRST_WINDOW, False
        known = len(content) if is_last else len(content) - max(MATCH_BYTES, LOOKAHEAD_BYTES)
        while (at := self._seen - base) < known:
            stop = min(at + size, known)
            end = self._search(content, base, at, stop, is_last=is_last)
            if end is not None or self.waits:
                return end
            self._seen = base + stop
            size *= 2
        if not is_last:
            return None
        return End(self._trim(content, base, len(content)), self._kinds.unended)

    def needed_from(self) -> int:
        return max(self._seen - KEEP_BYTES, self.start)

    def _search(
        self, content: bytes, base: int, at: int, stop: int, *, is_last: bool
    ) -> End | None:
        """Look at the bytes from `at` to `stop`; what ends the item first counts."""
        balanced = self._find_balanced(content, base, stop, is_last=is_last)
        least = max(self.start + 1 - base, 0)
        until = stop if balanced is None else balanced
        place, sign = self._visible.find(
            content, at, until, base=base, least=least, is_last=is_last
        )
        if place == WAIT and len(content) - sign < MAX_HELD_BYTES:
            self.waits = True
            return None
        if place == WAIT:
            return End(base + sign, BROKEN)
        end = place if place is not None else balanced
        if end is None:
            return None
        inside = self._visible.find_around(content, end, base=base, least=least, is_last=is_last)
        if inside == WAIT and len(content) - end < MAX_HELD_BYTES:
            self.waits = True
            return None
        if inside is not None and inside != WAIT:
            return End(base + inside, BROKEN)
        if place is not None:
            return End(base + place, BROKEN)
        return End(self._trim(content, base, end), self._kinds.balanced)

    def _find_balanced(self, content: bytes, base: int, stop: int, *, is_last: bool) -> int | None:
        """The first place before `stop` that ends the item by its brackets, commas or line."""
        if self._is_coarse:
            return None
        if self._scanned < base + stop:
            begin = self._scanned - base
            self._ends += self._scan(content[begin:stop], self._scanned)
            self._scanned = base + stop
        depth = self._around.depth
        while self._ends:
            end = self._ends[0] - base
            if self._ends_line or is_end(content, end, depth=depth, is_last=is_last):
                return end
            del self._ends[0]
        return None

    def _scan(self, part: bytes, offset: int) -> list[int]:
        """Offsets at which the item may end, in the next bytes of it."""
        if self._ends_line:
            newline = part.find(b"\n")
            return [offset + newline] if newline >= 0 else []
        if not (self._around.is_bracketed or self._around.depth):
            return []
        marks = self._scanner.scan(part)
        if self._around.is_bracketed:
            places = marks.at[(marks.step < 0) & (marks.depth <= 0)] + 1
            return [offset + at for at in places.tolist() if part[at : at + 1] != b"}"]
        is_comma = (marks.step == 0) & (marks.depth <= 0)
        return [offset + at for at in marks.at[is_comma | (marks.depth < 0)].tolist()]

    def _trim(self, content: bytes, base: int, end: int) -> int:
        """The offset of an end, without the separators before it."""
        tail = content[max(self.start + 1 - base, end - LOOKAHEAD_BYTES, 0) : end]
        return base + end - (len(tail) - len(tail.rstrip(_TRIMMED)))


class StraySearch:
    """A run of closing brackets that close nothing is one item, however long."""

    waits = False

    def __init__(self, start: int, *, depth: int) -> None:
        self.start = start
        self._end = start + 1
        closer = rb"}" if depth else rb"[}\]]"
        self._run = re.compile(
            rb"%b*+(?:[ \t\r\n,]{1,%d}+%b++)*+" % (closer, _MOST_BETWEEN, closer)
        )

    def find_end(self, content: bytes, base: int, *, is_last: bool) -> End | None:
        found = self._run.match(content, self._end - base)
        assert found is not None  # it matches nothing too
        self._end = base + found.end()
        is_known = is_last or len(content) - found.end() > _MOST_BETWEEN
        return End(self._end, BROKEN) if is_known else None

    def needed_from(self) -> int:
        return self._end


class KnownEnd:
    """An item whose end was seen together with the end of the one before it."""

    waits = False

    def __init__(self, start: int, end: int) -> None:
        self.start = start
        self._end = end

    def find_end(self, content: bytes, base: int, *, is_last: bool) -> End | None:
        return End(self._end, BROKEN) if is_last or len(content) >= self._end - base else None

    def needed_from(self) -> int:
        return self.start
