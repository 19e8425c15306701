"""The small grammar of a field: its name, its type, its rating, as words on a line.

A field begins only where its name and its type stand as a layout prints them, so that a damaged
line never opens a field. Which line belongs to which field is `entries`' business; which path a
name stands for, `places`'.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from etl.ratings.records import LineKind, PrintedType, TextLine
from models.catalog.records import JsonType, Rating, Temporal

NAME = re.compile(r"[A-Z][A-Za-z0-9]*(?:\[\])?")
PATH = re.compile(r"[A-Z][A-Za-z0-9]*(?:\[\])?(?:\.[A-Z][A-Za-z0-9]*(?:\[\])?)*")
DOTTED = re.compile(r"[A-Z][A-Za-z0-9]*(?:\[\])?\.[A-Z][A-Za-z0-9]*")
RATING = re.compile(r"Reliable|Probable|Possible")
GLUED_RATING = re.compile(r"(?:^|[a-z,])(?:Reliable|Probable|Possible)(?:(?=[A-Z])|$)")

_SCALARS = {
    "string": (JsonType.STRING, None),
    "number": (JsonType.NUMBER, None),
    "numeric": (JsonType.NUMBER, None),
    "integer": (JsonType.NUMBER, None),
    "boolean": (JsonType.BOOLEAN, None),
    "object": (JsonType.OBJECT, None),
    "datetime": (JsonType.STRING, Temporal.DATETIME),
    "date": (JsonType.STRING, Temporal.DATE),
}
_WORD = r"string|number|integer|boolean|object"
# As in `required, string, null` and `Array of object`; what follows in lower case is no type.
_TREE_TYPE = rf"(required,\s?)?(Array of (?:{_WORD})s?|{_WORD})(,\s?null)?(?![a-z])"
TREE_TYPE = re.compile(_TREE_TYPE)
_SPACED_FIELD = re.compile(
    rf"({NAME.pattern})\s+({_TREE_TYPE})\s*((?:Reliable|Probable|Possible)?)"
)
_FIRST_WORD = re.compile(r"[A-Za-z0-9]*(?:\[\])?[A-Za-z0-9]*")
_LONGEST_TYPE = len("required, Array of objects, null") + 1
_PATHS_TYPE = re.compile(r"array of ([a-z]+?)s?|[a-z]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TypePhrase:
    """A type, whether the field is required, and what follows on the line."""

    type: PrintedType
    required: bool
    rest: str


@dataclass(frozen=True, slots=True)
class RatingPhrase:
    """A rating at the beginning of a line; `doubt` says why it is none, `rest` what follows."""

    rating: Rating | None
    rest: str
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Glued:
    """A name and what follows it, found run together."""

    name: str
    tail: str


def to_type(words: str) -> PrintedType | None:
    """The type that `words` name in any of the layouts, None when they name none."""
    match = _PATHS_TYPE.fullmatch(words)
    if match is None:
        return None
    scalar = _SCALARS.get((match[1] or words).lower())
    if scalar is None:
        return None
    if match[1]:
        return PrintedType(words, JsonType.ARRAY, item_type=scalar[0])
    return PrintedType(words, scalar[0], temporal=scalar[1])


def read_tree_type(text: str) -> TypePhrase | None:
    """Read `required, string, null` (layouts B and C) at the beginning of `text`."""
    match = TREE_TYPE.match(text)
    if match is None:
        return None
    printed = to_type(match[2])
    rest = text[match.end() :]
    if printed is None or rest[:1].isspace():
        return None
    return TypePhrase(printed, bool(match[1]), rest)


def read_rating(text: str) -> RatingPhrase:
    """Read the rating that stands, run together with it, before a description.

    A rating word that white space parts from a lower case word begins a sentence and is none;
    where both readings are possible the phrase carries a doubt and no rating.
    """
    match = RATING.match(text)
    if match is None:
        return RatingPhrase(None, text)
    after = text[match.end() :]
    if _parts(after) or read_required(after.lstrip()) is not None:
        return RatingPhrase(Rating(match[0]), after.lstrip())
    if re.match(r"\s+[a-z]", after):
        return RatingPhrase(None, text)
    doubt = f"'{match[0]}' may be the rating or the first word of the description"
    return RatingPhrase(None, text, doubt)


def read_required(text: str) -> str | None:
    """What follows the word Required at the beginning of `text`, None when it is not there."""
    after = text.removeprefix("Required")
    return after if after != text and _parts(after) else None


def _parts(after: str) -> bool:
    """True if a word ends here for sure: nothing, or a capital, digit or opening mark follows."""
    return not after or after[0].isupper() or after[0].isdigit() or after[0] in "\"'“‘(["


def split_glued(text: str, names: frozenset[str]) -> Glued | None:
    """Split `IDTypestring, nullReliable...` into name and tail; the longest known name wins."""
    if not text[:1].isupper():
        return None
    spaced = _SPACED_FIELD.fullmatch(text)
    if spaced:
        return Glued(spaced[1], spaced[2] + spaced[6])
    first_word = _FIRST_WORD.match(text)
    last_start = first_word.end() if first_word else 0
    cuts = [
        Glued(text[: match.start()], text[match.start() :])
        for match in TREE_TYPE.finditer(text, 0, last_start + _LONGEST_TYPE)
        if NAME.fullmatch(text[: match.start()]) and read_tree_type(text[match.start() :])
    ]
    known = [cut for cut in cuts if cut.name.removesuffix("[]") in names]
    return max(known or cuts, key=lambda cut: len(cut.name), default=None)


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
