"""Records of the page reader: lines of a page, fields as printed, what was understood, what differs.

Nothing here does work. Pages are documentation and hold no patient data.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from models.catalog.records import JsonType, Rating, Temporal, ValueSetKind

PAGE_MARK = "page: "


class LineKind(StrEnum):
    TEXT = "text"
    OPTION = "option"  # an entry of a drop-down
    SAMPLE = "sample"  # a sample payload, kept whole


class Layout(StrEnum):
    """How a field list is printed."""

    PATHS = "A: full paths"
    TREE = "B: nested names"
    RUN_TOGETHER = "C: run together"


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of visible text.

    `number` counts from 1: the file's lines for text, the visible lines for HTML. `depth` tells how
    deeply the line is nested (blocks or columns of indentation), None where the page lost it.
    `is_joined`: an inline element of the same block as the line before; `is_spaced`: with white
    space between.
    """

    number: int
    depth: int | None
    text: str
    is_item: bool = False
    is_joined: bool = False
    is_spaced: bool = False
    kind: LineKind = LineKind.TEXT


@dataclass(frozen=True, slots=True)
class Page:
    """One saved page. `address` is where it says it was saved from, `is_cut` that its end is odd.

    `is_plain` tells a plain text page, whose long lines someone may have wrapped.
    """

    name: str
    title: str
    address: str
    lines: tuple[TextLine, ...]
    is_plain: bool
    is_cut: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A page or field list that is not used, and why; `is_other` marks no field list at all."""

    page: str
    reason: str
    is_other: bool = False


@dataclass(frozen=True, slots=True)
class PrintedType:
    """A type as a page prints it; `words` is its text."""

    words: str
    json_type: JsonType
    item_type: JsonType | None = None
    temporal: Temporal | None = None

    @property
    def is_array(self) -> bool:
        return self.json_type is JsonType.ARRAY

    @property
    def holds_fields(self) -> bool:
        return JsonType.OBJECT in (self.json_type, self.item_type)


@dataclass(frozen=True, slots=True)
class Entry:
    """One field as printed. `name` is a full path in layout A, the own name otherwise.

    `required` is None where the page does not say; `doubt` says why the rating is not taken.
    `values` are the supported values; `items` a list below the field that says not what it lists.
    `ends_page` tells that the page stops within the field.
    """

    number: int
    depth: int | None
    name: str
    type: PrintedType | None
    required: bool | None
    rating: Rating | None
    text: str = ""
    values: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    doubt: str = ""
    ends_page: bool = False


@dataclass(frozen=True, slots=True)
class Unread:
    """A line that could not be understood, quoted, and why."""

    number: int
    quote: str
    reason: str


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry and its path; `is_known` when the event type's catalog lists that path."""

    entry: Entry
    path: str
    is_known: bool
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class ReadField:
    """One field of one event type as a page states it, without doubt."""

    path: str
    type: PrintedType | None
    required: bool | None
    rating: Rating | None
    values: tuple[str, ...]
    items: tuple[str, ...]
    number: int


@dataclass(frozen=True, slots=True)
class FieldList:
    """What one field list of a page says of one event type. `refused` is "" when it is used.

    `evidence` names what told the event type; `listed` counts the paths of the event's catalog,
    `known` those of them on the page, `unknown` are paths the catalog does not list, `misfits`
    fields whose type shows that they are something else.
    """

    page: str
    source: str
    number: int
    layout: Layout
    data_model: str
    event_type: str
    evidence: str
    fields: tuple[ReadField, ...] = ()
    misfits: tuple[ReadField, ...] = ()
    unread: tuple[Unread, ...] = ()
    unknown: tuple[Unread, ...] = ()
    listed: int = 0
    known: int = 0
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """One line for expectations.csv: what a page says of a path of one event type."""

    data_model: str
    event_type: str
    path: str
    required: bool
    rating: Rating | None
    source: str


@dataclass(frozen=True, slots=True)
class ValueLine:
    """One line for value_sets.csv: a value that a page lists and the set does not."""

    value_set: str
    kind: ValueSetKind
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class News:
    """A fact of a page that the catalog did not document, named by `fact`."""

    path: str
    fact: str
    printed: str
    number: int


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A fact that page and catalog state differently; `outcome` tells which one will stand."""

    path: str
    fact: str
    printed: str
    catalog: str
    source: str
    outcome: str
    number: int


@dataclass(slots=True)
class Comparison:
    """What one field list adds; `statements` and `values` are what --write writes.

    `unlinked` are fields whose values the page lists while the catalog names no set to hold them.
    """

    field_list: FieldList
    news: list[News] = field(default_factory=list)
    contradictions: list[Contradiction] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    values: list[ValueLine] = field(default_factory=list)
    unlinked: list[ReadField] = field(default_factory=list)
