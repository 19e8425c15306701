"""Plain text into lines: bullets and indentation become depth.

Which line is a field is `entries`' business.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from etl.ratings.records import LineKind, TextLine

_BULLET = re.compile(r"[-*•◦▪·‣⁃–]\s+")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"), None)
_SAMPLE_MODEL = re.compile(r'"DataModel"\s*:\s*"[^"]*"')
_SAMPLE_EVENT = re.compile(r'"EventType"\s*:\s*"[^"]*"')


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
