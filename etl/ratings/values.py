"""Supported values among the lines that follow a field: a drop-down, or a list that says so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import takewhile

from etl.ratings.records import LineKind, TextLine

_LABEL = re.compile(
    r"(?:(?:supported|allowed|allowable|accepted|possible) values?|value ?sets?(?: values?)?):?",
    re.IGNORECASE,
)
_FORMAT = re.compile(r"ISO 8601.*|UUID|YYYY.*")
_LONGEST_VALUE = 120


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
