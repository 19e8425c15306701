"""The catalog page of a published version: one static file that finds tables and columns.

Marts are in it as plain HTML, drawn as a diagram by what they refer to; all else is carried as data
from which the page's script builds what is looked for. Where the facts are from is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from etl.report.build import read_assets
from etl.report.erd import Node, draw_erd
from etl.report.payload import to_json

STYLES = ("tokens.css", "page.css", "parts.css", "catalog.css", "print.css", "catalog-print.css")
SCRIPTS = ("catalog.js", "catalog-tree.js", "catalog-find.js")
MARTS = "mart"


@dataclass(frozen=True, slots=True)
class PageColumn:
    """A column: `meaning` is a sentence, or below a data model the path from the table's own on.

    `filled` is the share of the data model's messages that fill it, None where that is not counted.
    """

    name: str
    kind: str
    meaning: str = ""
    value_set: str = ""
    sensitivity: str = ""
    rating: str = ""
    filled: float | None = None


@dataclass(frozen=True, slots=True)
class PageTable:
    """A table or view by its qualified name; `rows` is None where they are not counted.

    `path` and `parent` (a name) are of tables of a data model; `refers` are column, table, its column.
    """

    name: str
    group: str
    meaning: str
    columns: tuple[PageColumn, ...]
    rows: int | None = None
    key: tuple[str, ...] = ()
    path: str = ""
    parent: str = ""
    refers: tuple[tuple[str, str, str], ...] = ()

    @property
    def schema(self) -> str:
        return self.name.partition(".")[0]


@dataclass(frozen=True, slots=True)
class PageGroup:
    """What belongs together: a data model or a schema that all share."""

    name: str
    meaning: str
    is_model: bool


@dataclass(frozen=True, slots=True)
class CatalogFacts:
    """What the page is made of. Tables of a data model come after their parents."""

    version: int
    made_at: datetime
    groups: tuple[PageGroup, ...]
    tables: tuple[PageTable, ...]


def render_catalog_page(facts: CatalogFacts) -> bytes:
    """The page as UTF-8."""
    environment = Environment(
        loader=PackageLoader("etl.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = lambda number: "no" if number is None else f"{number:,}"
    marts = [table for table in facts.tables if table.schema == MARTS]
    page = environment.get_template("catalog.html").render(
        styles=read_assets(STYLES),
        scripts=read_assets(SCRIPTS),
        data=Markup(to_json(build_catalog_payload(facts))),
        facts=facts,
        marts=marts,
        erd=Markup(draw_erd(_nodes(marts))),
        columns=sum(len(table.columns) for table in facts.tables),
    )
    return page.encode()


def _nodes(marts: Iterable[PageTable]) -> list[Node]:
    return [
        Node(mart.name, mart.key, mart.rows or 0, tuple(target for _, target, _ in mart.refers))
        for mart in marts
    ]


class _Words:
    """Texts that occur often, by their place in one list."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {"": 0}

    def place(self, word: str) -> int:
        return self.places.setdefault(word, len(self.places))


def build_catalog_payload(facts: CatalogFacts) -> Mapping[str, Any]:
    """The data of the page's script; tables are lists, to keep the page small."""
    words = _Words()
    groups = {group.name: number for number, group in enumerate(facts.groups)}
    numbers = {table.name: number for number, table in enumerate(facts.tables)}
    tables = [
        [
            table.name,
            groups[table.group],
            table.meaning,
            table.rows,
            list(table.key),
            table.path,
            numbers.get(table.parent, -1),
            [list(one) for one in table.refers],
            [_column(column, words) for column in table.columns],
        ]
        for table in facts.tables
    ]
    return {
        "groups": [[group.name, group.meaning, group.is_model] for group in facts.groups],
        "tables": tables,
        "words": list(words.places),
    }


def _column(column: PageColumn, words: _Words) -> list[Any]:
    """Name, type, meaning, then value set, sensitivity, rating, filled (of 1,000); what ends in
    nothing is left out."""
    filled = 0 if column.filled is None else round(column.filled * 1000) or None
    more: list[int | None] = [
        *map(words.place, (column.value_set, column.sensitivity, column.rating)),
        filled,
    ]
    while more and more[-1] == 0:
        more.pop()
    return [column.name, words.place(column.kind), column.meaning, *more]
