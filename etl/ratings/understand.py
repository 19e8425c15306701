"""One page into its field lists: what each states of its event type, and what stays unread.

Reading order: find the lists, split their lines into fields, settle the event type, give each
field its path. Nothing is compared with the catalog's facts here; `compare` does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from etl.ratings.entries import ListText, quote, read_entries
from etl.ratings.event_tree import EventTree, all_names, fits_shape, plant_tree
from etl.ratings.events import EventNames, find_event
from etl.ratings.from_text import is_run_together, unglue
from etl.ratings.phrases import prints_paths
from etl.ratings.places import KNOWN_SHARE, known_share, place_entries
from etl.ratings.records import (
    Entry,
    FieldList,
    Layout,
    LineKind,
    Page,
    Placed,
    ReadField,
    Refusal,
    TextLine,
    Unread,
)
from models.catalog.records import Catalog

_BADGE = r"(?:BETA|Beta|DEV PREVIEW|Dev preview|DEPRECATED|Deprecated)?\s*"
_HEADING = re.compile(rf"{_BADGE}Fields(?:link)?|(?:Request|Response) Body Schema(?:\s*(-\s.*))?")
_EVENT_HEADING = re.compile(rf"{_BADGE}([A-Z][A-Za-z-]{{1,60}}?)\s*link")
_MOST_REPEATS = 40  # no page prints a path so often; what does would only cost time
_CUT = "the page stops within this field"
_OTHER_SHAPE = "its type does not match the catalog's, so its rating is not used"


class PageReader:
    """Reads pages against one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.names = all_names(catalog)
        self.event_names = EventNames(catalog)

    def read(self, page: Page) -> list[FieldList | Refusal]:
        """Every field list of the page, used or refused; a refusal when the page has none."""
        sections = list(_sections(page))
        lists = [
            self._read_list(page, section, sample)
            for section, sample in zip(sections, _pair_samples(page, sections), strict=True)
        ]
        found = [one for one in lists if one is not None]
        if found:
            return list(found)
        return [Refusal(page.name, "has no list of fields that can be read", is_other=True)]

    def _read_list(self, page: Page, section: _Section, sample: str | None) -> FieldList | None:
        layout = _layout(section.lines, self.names)
        entries, unread = _entries(page, section, layout, self.names)
        if not entries and not (unread and section.has_heading):
            return None
        verdict = find_event(page, entries, sample, self.event_names, heading=section.heading)
        blank = FieldList(
            page=page.name,
            source=name_source(page),
            number=section.number,
            layout=layout,
            data_model=verdict.data_model,
            event_type=verdict.event_type,
            evidence=verdict.evidence,
            unread=tuple(unread),
            refused=verdict.refusal,
        )
        if verdict.refusal:
            return blank
        tree = plant_tree(self.catalog, verdict.data_model, verdict.event_type)
        entries, unread = _entries(page, section, layout, tree.names)
        if len(entries) > _MOST_REPEATS * len(tree.shapes):
            reason = f"prints {len(entries)} fields, the catalog lists {len(tree.shapes)}"
            return replace(blank, refused=reason)
        return _with_fields(blank, place_entries(entries, tree, layout), tree, unread)


@dataclass(frozen=True, slots=True)
class _Section:
    """The lines of one field list and the line number of its heading.

    `heading` is the event type in the last heading with a link before the list, "" without one.
    """

    number: int
    lines: tuple[TextLine, ...]
    has_heading: bool
    ends_page: bool
    heading: str = ""


def name_source(page: Page) -> str:
    """How the catalog's source column names the page."""
    title = "".join(mark for mark in page.title if mark.isprintable()).replace("|", "/")
    name = page.name.replace("|", "/")
    return f"page: {title} ({name})" if title and title != name else f"page: {name}"


def _sections(page: Page) -> Iterator[_Section]:
    """The lines behind each heading of a field list; the whole page where there is no heading."""
    lines = page.lines
    starts = [at for at, line in enumerate(lines) if _heading(line)]
    before = 0
    for start, end in pairwise([*starts, len(lines)]):
        heading = _event_heading(lines[before:start])
        before = start
        glued = _HEADING.fullmatch(lines[start].text)
        first = [replace(lines[start], text=glued[1])] if glued and glued[1] else []
        own = [line for line in lines[start + 1 : end] if line.kind is not LineKind.SAMPLE]
        is_last = end == len(lines)
        ends_page = page.is_cut and is_last
        yield _Section(lines[start].number, (*first, *own), True, ends_page, heading)
    if not starts:
        own = [line for line in lines if line.kind is not LineKind.SAMPLE]
        yield _Section(1, tuple(own), False, page.is_cut)


def _event_heading(lines: Sequence[TextLine]) -> str:
    found = (_EVENT_HEADING.fullmatch(line.text) for line in reversed(lines))
    return next((match[1] for match in found if match and match[1] != "Fields"), "")


def _heading(line: TextLine) -> bool:
    return line.kind is LineKind.TEXT and bool(_HEADING.fullmatch(line.text))


def _pair_samples(page: Page, sections: Sequence[_Section]) -> list[str | None]:
    """The sample of each list where there are as many samples as lists, in their order."""
    samples = [line.text for line in page.lines if line.kind is LineKind.SAMPLE]
    if len(samples) == len(sections):
        return list(samples)
    return [None] * len(sections)


def _layout(lines: Sequence[TextLine], names: frozenset[str]) -> Layout:
    if prints_paths(lines):
        return Layout.PATHS
    is_glued = any(is_run_together(line, names) for line in lines if line.kind is LineKind.TEXT)
    return Layout.RUN_TOGETHER if is_glued else Layout.TREE


def _entries(
    page: Page, section: _Section, layout: Layout, names: frozenset[str]
) -> tuple[list[Entry], list[Unread]]:
    has_paths = layout is Layout.PATHS
    lines = section.lines if has_paths else tuple(unglue(section.lines, names))
    return read_entries(ListText(lines, has_paths, page.is_plain, section.ends_page))


def _with_fields(
    blank: FieldList, placed: Sequence[Placed], tree: EventTree, unread: Sequence[Unread]
) -> FieldList:
    known = {one.path for one in placed if one.is_known}
    is_whole = len(known) == len(tree.shapes)
    reasons = {at: _doubt(one, tree, is_whole) for at, one in enumerate(placed) if one.is_known}
    doubted = [
        Unread(placed[at].entry.number, placed[at].path, reason)
        for at, reason in reasons.items()
        if reason and not placed[at].entry.doubt
    ]
    return replace(
        blank,
        fields=tuple(_to_field(placed[at]) for at, reason in reasons.items() if not reason),
        misfits=tuple(
            _to_field(placed[at]) for at, reason in reasons.items() if reason == _OTHER_SHAPE
        ),
        unread=tuple(sorted([*unread, *doubted], key=lambda line: line.number)),
        unknown=tuple(
            Unread(one.entry.number, quote(one.path), "not a path of the catalog")
            for one in placed
            if not one.is_known
        ),
        listed=len(tree.shapes),
        known=len(known),
        refused=_too_strange(placed),
    )


def _too_strange(placed: Sequence[Placed]) -> str:
    share = known_share(placed)
    if share >= KNOWN_SHARE:
        return ""
    return f"only {share:.0%} of its paths are in the catalog of that event type"


def _doubt(one: Placed, tree: EventTree, is_whole: bool) -> str:
    """Why a field of a known path is not used, "" when nothing speaks against it."""
    if one.doubt or one.entry.doubt:
        return one.doubt or one.entry.doubt
    if one.entry.ends_page and not is_whole:
        return _CUT
    if one.entry.type and not fits_shape(one.entry.type, tree.shapes[one.path]):
        return _OTHER_SHAPE
    return ""


def _to_field(one: Placed) -> ReadField:
    entry = one.entry
    return ReadField(
        path=one.path,
        type=entry.type,
        required=entry.required,
        rating=entry.rating,
        values=entry.values,
        items=entry.items,
        number=entry.number,
    )
