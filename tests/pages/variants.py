"""Every way in which the tests render one event type's page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from etl.ratings.pages import to_page
from etl.ratings.records import FieldList, Page, Refusal
from etl.ratings.understand import PageReader
from tests.pages.facts import Fact
from tests.pages.layouts import half_joined_text, paths_text, run_together_text, tree_text
from tests.pages.markup import ALL_TAGS, PATHS_TAGS, Tags, html_page, paths_html, tree_html

Render = Callable[[Sequence[Fact]], str]


def _tree_page(tags: Tags, facts: Sequence[Fact]) -> str:
    return html_page(tree_html(facts, tags))


def _paths_page(tags: Tags, facts: Sequence[Fact]) -> str:
    return html_page(paths_html(facts, tags))


TEXTS: dict[str, Render] = {
    "A glued": paths_text,
    "A apart": partial(paths_text, glued=False),
    "B bullets": tree_text,
    "B indented": partial(tree_text, bullet="", indent=4),
    "B flat": partial(tree_text, bullet="", indent=0),
    "B dots": partial(tree_text, bullet="• "),
    "C": run_together_text,
    "C half": half_joined_text,
}
PAGES: dict[str, Render] = {
    **{f"A {name}": partial(_paths_page, tags) for name, tags in PATHS_TAGS.items()},
    **{f"B {name}": partial(_tree_page, tags) for name, tags in ALL_TAGS.items()},
}
RENDERS = TEXTS | PAGES


def save(text: str, *, name: str = "saved.html") -> Page:
    """The page of `text`, as if it had been saved under `name`."""
    page = to_page(text.encode(), name)
    assert isinstance(page, Page), page
    return page


def read_lists(reader: PageReader, text: str, *, name: str = "saved") -> list[FieldList | Refusal]:
    """What the reader understands of `text`; a page too damaged to be one is a refusal."""
    suffix = ".html" if "<" in text else ".txt"
    page = to_page(text.encode(), name + suffix)
    return [page] if isinstance(page, Refusal) else reader.read(page)


def read_one(reader: PageReader, text: str, *, name: str = "saved") -> FieldList:
    """The only field list of `text`."""
    (found,) = read_lists(reader, text, name=name)
    assert isinstance(found, FieldList), found
    return found
