"""Visible: where, behind damage, the next message can be seen to begin.

Signs of a beginning, in the order of their strength: an opening brace at the start of a line in the
column of the damaged item, an object whose first key is Meta or that of its neighbours, and an object
that holds Meta further inside. Before it stand separators, never a colon, which would make it a
value of the damaged item. Except for the plainest signs the object must be valid to its end.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from etl.framing.separators import (
    BLANKS,
    BYTE_ORDER_MARK,
    LOOKAHEAD_BYTES,
    SEPARATOR_BYTES,
    separators_end,
)
from etl.framing.validity import is_json_value
from etl.framing.values import CUT, DAMAGED, WHOLE, read_value

REACH_BYTES: Final = 2**20
"""A key Meta belongs to an object that begins at most so many bytes before it."""
MATCH_BYTES: Final = 512
"""A sign is read from so many bytes; a search must see them behind the place where it begins."""
META: Final = b"Meta"
BEHIND_BYTES: Final = 2**14
"""So far behind a seeming end a Meta is looked for that shows it to be inside of a message."""
_META_SIGN = re.compile(rb'"Meta"[ \t\r\n]{0,64}:')
_MOST_OPENERS = 256
_MOST_KNOWN, _MOST_KNOWN_OPENERS = 4096, 500_000
_OPENER = re.compile(rb'\{[ \t\r\n]{0,64}"')
_FIRST_KEY = re.compile(rb'\{[ \t\r\n]{0,64}"((?:[^"\\\x00-\x1f]|\\.){1,128})"[ \t\r\n]{0,64}:')

Visible = int | None
WAIT: Final = -1
"""More bytes are needed to know."""


class _Message(msgspec.Struct):
    Meta: msgspec.Raw


_decode_message = msgspec.json.Decoder(_Message).decode
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def first_key(text: bytes, at: int = 0) -> bytes:
    """The first key of the object that begins at `at`, b"" when none can be read."""
    found = _FIRST_KEY.match(text, at)
    return found[1] if found else b""


def has_meta(text: bytes | memoryview) -> bool:
    """True if an object has the key Meta; in one that only the load may refuse, at any depth."""
    try:
        _decode_message(text)
    except msgspec.ValidationError:
        return False
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        whole = bytes(text)
        return _META_SIGN.search(whole) is not None and is_json_value(whole)
    return True


@dataclass(frozen=True, slots=True)
class Around:
    """What is known of a damaged item and its neighbours.

    `indent` is the white space before it on its line; `is_bracketed` that it begins with a bracket;
    `is_plain_line` that a line which begins in its column is the next item, whatever it holds;
    `depth` counts the arrays around it; `sibling` is a good item seen before.
    """

    indent: bytes
    is_bracketed: bool
    is_plain_line: bool
    depth: int
    key: bytes
    sibling: bytes


class Visibility:
    """Looks through content for beginnings, the earliest first."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._base = 0  # offset of the content that is looked at
        self._known: dict[int, int] = {}  # offset of a brace: where its message ends, 0 for none
        self._openers: list[int] = []  # offsets of braces that may begin an object
        self._opened_to = 0  # the offset up to which they are known
        self._keys = {META, around.key, first_key(around.sibling)} - {b""}
        keys = b"|".join(re.escape(key) for key in sorted(self._keys))
        self._signs = re.compile(
            rb"\n" + re.escape(around.indent) + rb"(?=[{\[])"
            rb'|(?<!:)\{[ \t\r\n]{0,64}"(?:' + keys + rb')"[ \t\r\n]{0,64}:'
            rb'|"Meta"[ \t\r\n]{0,64}:'
        )

    def find(
        self, content: bytes, start: int, stop: int, *, base: int, least: int, is_last: bool
    ) -> tuple[Visible, int]:
        """The first beginning whose sign is in start <= position < stop, and where it was seen.

        Gives the place behind the damaged item (separators follow it), WAIT, or None. `least` is
        the first place that can be it, `base` the offset of the content.
        """
        self._base = base
        with memoryview(content) as view:
            for sign in self._signs.finditer(content, start, min(stop + MATCH_BYTES, len(content))):
                if sign.start() >= stop:
                    break
                look = self._choose(sign[0])
                place = look(content, view, sign.start(), least, is_last)
                if place is not None:
                    return place, sign.start()
        return None, stop

    def find_around(
        self, content: bytes, end: int, *, base: int, least: int, is_last: bool
    ) -> Visible:
        """Where a message begins before `end` that goes on behind it, None where there is none.

        An open quote in a damaged item can make its brackets seem to balance inside of the next
        message. What follows then is the rest of one, in which Meta stands.
        """
        self._base = base
        at = separators_end(content, end)
        if at == len(content) and is_last:
            return None
        if len(content) - at < BEHIND_BYTES and not is_last:
            return WAIT
        sign = _META_SIGN.search(content, at, at + BEHIND_BYTES)
        if sign is None or first_key(content, at) == META:
            return None
        with memoryview(content) as view:
            if content[at] == ord("{"):
                state, stop = read_value(view[: at + BEHIND_BYTES], at)
                if state is WHOLE and stop > sign.start():
                    return None
            place = self._at_meta(content, view, sign.start(), least, is_last)
        return place if place == WAIT or (place is not None and place < end) else None

    def _choose(self, sign: bytes) -> Callable[[bytes, memoryview, int, int, bool], Visible]:
        if sign.startswith(b"\n"):
            return self._at_line
        return self._at_object if sign.startswith(b"{") else self._at_meta

    def _at_line(
        self, content: bytes, view: memoryview, at: int, least: int, is_last: bool
    ) -> Visible:
        """A line begins with a bracket in the column of the damaged item."""
        if at < least:
            return None
        brace = at + 1 + len(self._around.indent)
        is_array = content[brace] == ord("[")
        before = content[max(at - LOOKAHEAD_BYTES, 0) : at].rstrip(BLANKS)[-1:]
        if not is_array and (self._around.is_plain_line or before not in b"[:,{"):
            return self._run_start(content, at, least)
        if is_array:
            brace = _skip_blanks(content, brace + 1)
            if brace == len(content):
                return None if is_last else WAIT
            if content[brace] != ord("{"):
                return None
        state, end = read_value(view, brace)
        if state is CUT and not is_last:
            return WAIT
        is_one = state is WHOLE and end - brace > 2 and self._is_like_others(content, brace, end)
        return self._run_start(content, at, least) if is_one else None

    def _is_like_others(self, content: bytes, brace: int, end: int) -> bool:
        known = {self._around.key, first_key(self._around.sibling)} - {b""}
        return not known or first_key(content, brace) in known or has_meta(content[brace:end])

    def _at_object(
        self, content: bytes, view: memoryview, at: int, least: int, is_last: bool
    ) -> Visible:
        """An object begins whose first key is Meta, or the first of the items around."""
        run_at = self._run_start(content, at, least)
        if run_at is None or self._is_member(content, run_at, at):
            return None
        key = first_key(content, at)
        if key == META == self._around.key and content[run_at - 1] == ord("}"):
            return run_at
        state, end = read_value(view, at)
        if state is CUT and not is_last:
            return WAIT
        if state is DAMAGED or (key != META and not self._is_sibling(content, at, end)):
            return None
        is_sure = state is WHOLE and key == META
        return run_at if is_sure or self._is_apart(content, run_at, at) else None

    def _is_sibling(self, content: bytes, at: int, end: int) -> bool:
        if not self._around.sibling:
            return True
        keys = _keys(content[at:end])
        return bool(keys) and keys == _keys(self._around.sibling)

    def _at_meta(
        self, content: bytes, view: memoryview, at: int, least: int, is_last: bool
    ) -> Visible:
        """A key Meta that is not the first: the object around it may be a message."""
        for opener in self._openers_before(content, at, least):
            known = self._known.get(self._base + opener)
            if known is None:
                known = self._read_message(content, view, opener, least, is_last)
                if known == WAIT:
                    return WAIT
                self._remember(opener, known)
            if known > self._base + at:
                return self._run_start(content, opener, least)
        return None

    def _openers_before(self, content: bytes, at: int, least: int) -> list[int]:
        """The nearest opening braces before a place, the last first; every byte is searched once."""
        start = max(self._opened_to - self._base, least, at - REACH_BYTES)
        self._openers += [self._base + one.start() for one in _OPENER.finditer(content, start, at)]
        self._opened_to = max(self._opened_to, self._base + at)
        stop = bisect_left(self._openers, self._base + at)
        nearest = self._openers[max(stop - _MOST_OPENERS, 0) : stop]
        if len(self._openers) > _MOST_KNOWN_OPENERS:
            del self._openers[: bisect_left(self._openers, self._base + at - REACH_BYTES)]
        reach = max(at - REACH_BYTES, least)
        return [one - self._base for one in reversed(nearest) if one - self._base >= reach]

    def _remember(self, opener: int, end: int) -> None:
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[self._base + opener] = end

    def _read_message(
        self, content: bytes, view: memoryview, opener: int, least: int, is_last: bool
    ) -> int:
        """The offset at which the message ends that begins at a brace, 0 where none does, WAIT.

        Many signs look at the same braces; each is read once.
        """
        run_at = self._run_start(content, opener, least)
        if run_at is None or self._is_member(content, run_at, opener):
            return 0
        state, end = read_value(view, opener)
        if state is CUT and not is_last:
            return WAIT
        is_message = state is WHOLE and has_meta(view[opener:end])
        return self._base + end if is_message else 0

    def _is_member(self, content: bytes, run_at: int, at: int) -> bool:
        """True if a colon makes what begins at `at`, behind separators, a value of something else.

        A bracket that closes an array, or a torn mark of the order of bytes, stands between no key
        and its value.
        """
        run = content[run_at:at].replace(BYTE_ORDER_MARK, b"")
        if content[run_at - 1] != ord(":") or b"]" in run or not run.isascii():
            return False
        is_key = content[max(run_at - 1 - LOOKAHEAD_BYTES, 0) : run_at - 1].rstrip(BLANKS)[-1:]
        return self._around.is_bracketed or is_key == b'"'

    def _is_apart(self, content: bytes, run_at: int, at: int) -> bool:
        """True if what stands before an opening brace at `at` looks like the end of an item."""
        run = content[run_at:at]
        return content[run_at - 1] in b"}]" or b"," in run or b"\n" in run

    def _run_start(self, content: bytes, at: int, least: int) -> int | None:
        """Where the separators before `at` begin, None when that is before `least`."""
        opened, depth, stop = False, self._around.depth, max(least, at - LOOKAHEAD_BYTES)
        while at > stop:
            byte = content[at - 1]
            opened = opened or byte == ord("[")
            if byte == ord("]") and depth > 0 and opened:  # one array ended, another begins
                depth -= 1
            elif byte not in SEPARATOR_BYTES:
                break
            at -= 1
        return at if at >= least else None


def _skip_blanks(content: bytes, at: int) -> int:
    while at < len(content) and content[at] in BLANKS:
        at += 1
    return at


def _keys(text: bytes) -> frozenset[str]:
    try:
        return frozenset(_decode_object(text))
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return frozenset()
