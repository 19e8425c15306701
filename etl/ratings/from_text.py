"""Plain text into lines: bullets and indentation become depth.

Layout C gets its line breaks back, so that it reads like layout B:
`- Metarequired, object- DataModelrequired, stringReliableX` becomes one line per name, type and
rest. Names are split by the catalog's vocabulary, the longest known name winning. Which line is a
field is `entries`' business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise

from etl.ratings.phrases import TREE_TYPE, Glued, read_tree_type, split_glued
from etl.ratings.records import LineKind, TextLine

_BULLET = re.compile(r"[-*•◦▪·‣⁃–]\s+")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"), None)
_SAMPLE_MODEL = re.compile(r'"DataModel"\s*:\s*"[^"]*"')
_SAMPLE_EVENT = re.compile(r'"EventType"\s*:\s*"[^"]*"')
_DASH = re.compile(r"-\s+(?=[A-Z])")


def clean(text: str) -> str:
    """`text` without invisible characters and with plain spaces."""
    return text.translate(_INVISIBLE).replace("\u00a0", " ")


def split_lines(text: str, *, first_number: int = 1, base_depth: int = 0) -> Iterator[TextLine]:
    """The non-empty lines of `text`; depth is the column where the bullet or the text begins."""
    for number, line in enumerate(clean(text).splitlines(), first_number):
        expanded = line.expandtabs(4)
        content = expanded.lstrip()
        depth = base_depth + len(expanded) - len(content)
        bullet = _BULLET.match(content)
        words = content[bullet.end() if bullet else 0 :].strip()
        if words:
            yield TextLine(number, depth, words, is_item=bullet is not None)


def mark_samples(lines: Iterable[TextLine]) -> Iterator[TextLine]:
    """`lines`, and behind the line of a sample payload that ends naming its event type, a sample."""
    model = ""
    for line in lines:
        yield line
        found = _SAMPLE_MODEL.search(line.text)
        event = _SAMPLE_EVENT.search(line.text)
        model = found[0] if found else model
        if model and event:
            text = "{" + model + ", " + event[0] + "}"
            yield TextLine(line.number, line.depth, text, kind=LineKind.SAMPLE)
            model = ""


def unglue(lines: Iterable[TextLine], names: frozenset[str]) -> Iterator[TextLine]:
    """`lines` with every field that was run together on lines of its own."""
    for line in lines:
        pieces = list(_pieces(line.text, names)) if line.kind is LineKind.TEXT else []
        if not any(isinstance(piece, Glued) for piece in pieces):
            yield line
            continue
        for at, piece in enumerate(pieces):
            yield from _spread(line if at == 0 else _within(line), piece)


def is_run_together(line: TextLine, names: frozenset[str]) -> bool:
    """True if a name and its type stand on this line without a break."""
    return any(isinstance(piece, Glued) for piece in _pieces(line.text, names))


def _within(line: TextLine) -> TextLine:
    """A line for a field found after a dash in the midst of `line`: how deep it is, is lost."""
    return replace(line, depth=None, is_item=True, is_joined=False)


def _pieces(text: str, names: frozenset[str]) -> Iterator[Glued | str]:
    """Cut at the dashes that begin a field; what precedes the first field is kept as text."""
    if not TREE_TYPE.search(text):
        yield text
        return
    waiting: list[str] = []
    for part in _split_at_dashes(text):
        if waiting and split_glued(_without_dash(part), names):
            yield _to_piece(_without_dash("".join(waiting)), names)
            waiting = []
        waiting.append(part)
    yield _to_piece("".join(waiting), names)


def _split_at_dashes(text: str) -> Iterator[str]:
    """The parts of `text`, each up to and with the dash that might begin the next."""
    bounds = [0, *(match.end() for match in _DASH.finditer(text)), len(text)]
    return (text[start:end] for start, end in pairwise(bounds))


def _without_dash(part: str) -> str:
    return part.rstrip().removesuffix("-").rstrip()


def _to_piece(text: str, names: frozenset[str]) -> Glued | str:
    return split_glued(text, names) or text


def _spread(line: TextLine, piece: Glued | str) -> Iterator[TextLine]:
    if isinstance(piece, str):
        yield replace(line, text=piece)
        return
    yield replace(line, text=piece.name)
    phrase = read_tree_type(piece.tail)
    rest = phrase.rest if phrase else ""
    type_words = piece.tail.removesuffix(rest) if rest else piece.tail
    yield replace(line, text=type_words, is_item=False)
    if rest:
        yield replace(line, text=rest, is_item=False, is_joined=True)
