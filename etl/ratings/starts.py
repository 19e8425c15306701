"""Where a field begins among the lines of a field list, in each layout.

A field begins only where its name and its type stand as that layout prints them; anything else is
no beginning, so that a damaged line never opens a field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from etl.ratings.phrases import DOTTED, NAME, PATH, RATING, read_tree_type, to_type
from etl.ratings.records import LineKind, PrintedType, TextLine


@dataclass(frozen=True, slots=True)
class Start:
    """A field's first lines: `at` is its name's index, `body_at` the first index after its type.

    `rest` is what stands on the type's own line behind the type. `required` is None in layout A,
    which says it later.
    """

    at: int
    body_at: int
    name: str
    type: PrintedType | None
    required: bool | None
    rest: str


def prints_paths(lines: Sequence[TextLine]) -> bool:
    """True if the list prints full paths (layout A) rather than nested names."""
    return any(
        DOTTED.match(line.text) and find_path_start(lines, at) for at, line in enumerate(lines)
    )


def find_path_start(lines: Sequence[TextLine], at: int) -> Start | None:
    """Layout A: a full path, then its type alone on the next line; or a plain grouping."""
    name, following = lines[at].text, _text_after(lines, at)
    if not PATH.fullmatch(name) or not _may_begin(lines[at]):
        return None
    if following.startswith(f"{name}.") and PATH.fullmatch(following):
        return Start(at, at + 1, name, None, None, "")
    printed = to_type(following)
    if printed is None or not following[0].isupper():
        return None
    return Start(at, at + 2, name, printed, None, "")


def find_tree_start(lines: Sequence[TextLine], at: int) -> Start | None:
    """Layouts B and C: the field's own name, then a line that begins with its type."""
    name = lines[at].text
    if not NAME.fullmatch(name) or RATING.fullmatch(name) or not _may_begin(lines[at]):
        return None
    phrase = read_tree_type(_text_after(lines, at))
    if phrase is None:
        return None
    return Start(at, at + 2, name, phrase.type, phrase.required, phrase.rest)


def _may_begin(line: TextLine) -> bool:
    return line.kind is LineKind.TEXT and not line.is_joined


def _text_after(lines: Sequence[TextLine], at: int) -> str:
    following = lines[at + 1] if at + 1 < len(lines) else None
    return following.text if following and following.kind is LineKind.TEXT else ""
