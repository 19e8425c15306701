"""The lines of one field list into fields as printed; what belongs to no field is listed.

A rating is one only right behind the type (and the word Required, in layout A). Which path of the
catalog a field is, `places` tells. Supported values are a drop-down, or a list that says so.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from etl.ratings.phrases import (
    DOTTED,
    GLUED_RATING,
    PATH,
    RATING,
    Start,
    find_path_start,
    find_tree_start,
    read_rating,
    read_required,
    read_tree_type,
    to_type,
)
from etl.ratings.records import Entry, LineKind, TextLine, Unread
from models.catalog.records import Rating

_QUOTE_LENGTH = 80
_WRAPPED = "the page may have wrapped a description after its first word"
_LABEL = re.compile(
    r"(?:(?:supported|allowed|allowable|accepted|possible) values?|value ?sets?(?: values?)?):?",
    re.IGNORECASE,
)
_FORMAT = re.compile(r"ISO 8601.*|UUID|YYYY.*")
_LONGEST_VALUE = 120


@dataclass(frozen=True, slots=True)
class ListText:
    """The lines of one field list and how to read them.

    `has_paths`: layout A. `is_plain`: a text page, whose lines may be wrapped. `is_cut`: the page
    stops oddly right behind these lines.
    """

    lines: Sequence[TextLine]
    has_paths: bool
    is_plain: bool
    is_cut: bool


def read_entries(text: ListText) -> tuple[list[Entry], list[Unread]]:
    """Every field of the list in order, and every line that seems part of one but is not."""
    find_start = find_path_start if text.has_paths else find_tree_start
    starts = [start for at in range(len(text.lines)) if (start := find_start(text.lines, at))]
    bounds = [*(start.at for start in starts), len(text.lines)]
    unread = list(_left_over(text.lines[: bounds[0]], has_paths=text.has_paths))
    entries = []
    for start, end in zip(starts, bounds[1:], strict=True):
        reading = _Body(text, start, end)
        entries.append(reading.entry())
        unread.extend(reading.left_over())
    return entries, unread


def quote(line: str) -> str:
    """A line of a page as it may be shown: printable, and not long."""
    short = line if len(line) <= _QUOTE_LENGTH else line[: _QUOTE_LENGTH - 1] + "…"
    return "".join(mark if mark.isprintable() else "�" for mark in short)


class _Body:
    """Reads what follows a field's type; `waiting` are its lines not read yet."""

    def __init__(self, text: ListText, start: Start, end: int) -> None:
        self.text, self.start = text, start
        self.named = text.lines[start.at]
        self.is_last = end == len(text.lines)
        self.waiting = deque(text.lines[start.body_at : end])
        self.rating: Rating | None = None
        self.required = start.required
        self.doubt = ""
        if start.rest:
            typed = text.lines[start.body_at - 1]
            self.waiting.appendleft(replace(typed, text=start.rest, is_joined=True))

    def entry(self) -> Entry:
        if self.start.type:
            self._read_rating()
        if self.start.type and self.text.has_paths:
            self._read_required()
        is_torn = self.is_last and self.text.is_cut
        return Entry(
            number=self.named.number,
            depth=self.named.depth,
            name=self.start.name,
            type=self.start.type,
            required=self.required,
            rating=self.rating,
            text=self._head(),
            values=() if is_torn else find_values(self.waiting, is_open=self.is_last),
            items=find_items(self.waiting, self.named.depth),
            doubt=self.doubt,
            ends_page=self._ends_page(),
        )

    def left_over(self) -> Iterator[Unread]:
        body = list(self.waiting)
        if self.doubt:
            doubtful = body.pop(0)
            yield Unread(doubtful.number, quote(doubtful.text), self.doubt)
        yield from _left_over(body, has_paths=self.text.has_paths)
        for line in body:
            if line.is_item and _is_beside(line, self.named) and not self.text.has_paths:
                yield Unread(line.number, quote(line.text), "an item that has no type")

    def _read_rating(self) -> None:
        phrase = read_rating(self._head())
        self.doubt = phrase.doubt
        if phrase.rating and not phrase.rest and self._reads_on():
            self.doubt = _WRAPPED
        elif phrase.rating:
            self.rating = phrase.rating
            self._advance(phrase.rest)

    def _read_required(self) -> None:
        after = read_required(self._head())
        if after is not None and (after or not self._reads_on()):
            self.required = True
            self._advance(after)
        elif self.rating:
            self.required = False

    def _head(self) -> str:
        line = self.waiting[0] if self.waiting else None
        return line.text if line and line.kind is LineKind.TEXT else ""

    def _advance(self, rest: str) -> None:
        line = self.waiting.popleft()
        if rest:
            self.waiting.appendleft(replace(line, text=rest))

    def _reads_on(self) -> bool:
        """True if the line behind a lone tag goes on in lower case, as a wrapped sentence does."""
        line = self.waiting[1] if len(self.waiting) > 1 else None
        if line is None or line.kind is not LineKind.TEXT or not line.text[0].islower():
            return False
        return self.text.is_plain or (line.is_joined and line.is_spaced)

    def _ends_page(self) -> bool:
        rest = self._head()
        is_within = len(self.waiting) == (1 if rest else 0) and "Required".startswith(rest)
        return self.text.is_cut and self.is_last and is_within


def _is_beside(line: TextLine, named: TextLine) -> bool:
    """True if an item stands no deeper than the field before it."""
    return line.depth is not None and named.depth is not None and line.depth <= named.depth


def _left_over(lines: Sequence[TextLine], *, has_paths: bool) -> Iterator[Unread]:
    for line in lines:
        if line.kind is LineKind.TEXT and (reason := _seems_lost(line.text, has_paths=has_paths)):
            yield Unread(line.number, quote(line.text), reason)


def _seems_lost(text: str, *, has_paths: bool) -> str:
    """Why a line that belongs to no field's beginning may have been part of one; "" if not."""
    if RATING.fullmatch(text.capitalize()) or GLUED_RATING.search(text):
        return "a rating that follows no field's type"
    if has_paths and DOTTED.match(text) and PATH.fullmatch(text):
        return "a path without a type"
    phrase = None if has_paths else read_tree_type(text)
    is_type = to_type(text) is not None and text[0].isupper() if has_paths else phrase is not None
    if is_type and not (phrase and phrase.rest):
        return "a type that follows no field's name"
    return ""


def find_values(lines: Iterable[TextLine], *, is_open: bool) -> tuple[str, ...]:
    """The values of the drop-down among `lines`, else of the list under a line that labels it.

    `is_open`: no field follows, so that only a list set apart from the text has a sure end.
    """
    body = list(lines)
    options = [line for line in body if line.kind is LineKind.OPTION]
    return _distinct(options or _labelled(body, is_open=is_open))


def find_items(lines: Iterable[TextLine], depth: int | None) -> tuple[str, ...]:
    """The items of a list deeper than the field that no line labels as supported values."""
    if depth is None:
        return ()
    return _distinct(
        [line for line in lines if line.is_item and line.depth is not None and line.depth > depth]
    )


def _labelled(body: Sequence[TextLine], *, is_open: bool) -> list[TextLine]:
    """The lines behind the first label that stand as the first of them stands."""
    label = next((at for at, line in enumerate(body) if _LABEL.fullmatch(line.text)), None)
    if label is None or label + 1 >= len(body):
        return []
    first = body[label + 1]
    if is_open and not first.is_item and first.depth == body[label].depth:
        return []
    alike = takewhile(
        lambda line: (line.depth, line.is_item) == (first.depth, first.is_item), body[label + 1 :]
    )
    return [line for line in alike if not _FORMAT.fullmatch(line.text)]


def _distinct(lines: Sequence[TextLine]) -> tuple[str, ...]:
    texts = [line.text for line in lines]
    if any(len(text) > _LONGEST_VALUE for text in texts):
        return ()
    return tuple(dict.fromkeys(texts))
