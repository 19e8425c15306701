"""The records of a comparison between pages and catalog. Nothing here does work."""

from __future__ import annotations

from dataclasses import dataclass, field

from etl.ratings.records import FieldList, ReadField
from models.catalog.records import Rating, ValueSetKind

PAGE_MARK = "page: "


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
