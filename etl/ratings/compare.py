"""What pages state beside what the catalog says: what is new, what contradicts, what to write.

A page's statement replaces what the package documents, and an inferred rating; a site's own line
stands. Where a page says nothing nothing is taken away; where two pages differ neither counts. New
supported values join the value set that governs the field; a page neither makes a set nor empties
one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from etl.ratings.event_tree import EventTree, agrees, name_shapes, plant_tree
from etl.ratings.records import (
    PAGE_MARK,
    Comparison,
    Contradiction,
    FieldList,
    News,
    ReadField,
    Statement,
    ValueLine,
)
from models.catalog.records import Catalog, Expectation, Rating, ValueSet, ValueSetKind

_PAGE_STANDS = "the page's will stand"
_CATALOG_STANDS = "the catalog's stands"
_SITE_STANDS = "the site's own line stands"
_NONE_STANDS = "the pages differ, neither is written"

Key = tuple[str, str, str]
_OPEN_LISTS = (ValueSetKind.EXTERNAL,)


def compare_lists(lists: Iterable[FieldList], catalog: Catalog) -> list[Comparison]:
    """Compare every field list that is used with the catalog, and the lists with each other."""
    used = list(lists)
    judge = _Judge(_lines_of_all_sources(catalog), _gather(used))
    comparisons = []
    for one in used:
        tree = plant_tree(catalog, one.data_model, one.event_type)
        comparison = Comparison(one)
        for read in one.fields:
            judge.compare(comparison, read, tree)
        comparison.contradictions.extend(_compare_types(one, tree))
        _compare_values(comparison, tree, catalog)
        comparison.contradictions.sort(key=lambda found: found.number)
        comparisons.append(comparison)
    return comparisons


def find_expectations(
    lines: Mapping[Key, Expectation], data_model: str, event_type: str, path: str
) -> list[Expectation]:
    """The lines on a path, most specific first: of the event type, of the model, of all models."""
    levels = ((data_model, event_type), (data_model, "*"), ("*", event_type), ("*", "*"))
    keys = [(*level, path) for level in levels]
    return [lines[key] for key in keys if key in lines]


def _lines_of_all_sources(catalog: Catalog) -> dict[Key, Expectation]:
    """The catalog's lines that do not speak of a single source."""
    return {
        (line.data_model, line.event_type, line.path): line
        for line in catalog.expectations
        if not line.source_id
    }


@dataclass(slots=True)
class _Spoken:
    """What all pages together print of one path of one event type."""

    ratings: set[Rating] = field(default_factory=set)
    required: set[bool] = field(default_factory=set)
    rated_by: str = ""

    @property
    def is_disputed(self) -> bool:
        return len(self.ratings) > 1 or len(self.required) > 1


def _gather(lists: Sequence[FieldList]) -> dict[Key, _Spoken]:
    spoken: dict[Key, _Spoken] = defaultdict(_Spoken)
    for one in lists:
        for read in one.fields:
            said = spoken[one.data_model, one.event_type, read.path]
            said.ratings |= {read.rating} if read.rating else set()
            said.rated_by = said.rated_by or (one.source if read.rating else "")
            said.required |= set() if read.required is None else {read.required}
    return spoken


@dataclass(slots=True)
class _Judge:
    """Compares one field after the other; states each path once, however many pages print it."""

    lines: Mapping[Key, Expectation]
    spoken: Mapping[Key, _Spoken]
    stated: set[Key] = field(default_factory=set)

    def compare(self, comparison: Comparison, read: ReadField, tree: EventTree) -> None:
        key = (tree.data_model, tree.event_type, read.path)
        said = self.spoken[key]
        lines = find_expectations(self.lines, *key)
        before = _Before(lines)
        outcome = _outcome(lines, said)
        comparison.news.extend(_news(read, before, outcome))
        comparison.contradictions.extend(_contradictions(read, before, outcome))
        rating = next(iter(said.ratings), before.rating)
        required = next(iter(said.required), before.required)
        is_told = (rating, required) != (before.rating, before.required)
        if is_told and outcome is _PAGE_STANDS and key not in self.stated:
            self.stated.add(key)
            source = said.rated_by or comparison.field_list.source
            comparison.statements.append(Statement(*key, required, rating, source))


class _Before:
    """What the catalog documents of a path before the pages are heard."""

    def __init__(self, lines: Sequence[Expectation]) -> None:
        line = lines[0] if lines else None
        self.rating = line.rating if line and not line.is_inferred else None
        self.required = bool(line and line.required)
        self.is_listed = line is not None
        self.source = line.source if line else ""


def _outcome(lines: Sequence[Expectation], said: _Spoken) -> str:
    if any(line.is_site and not line.source.startswith(PAGE_MARK) for line in lines):
        return _SITE_STANDS
    return _NONE_STANDS if said.is_disputed else _PAGE_STANDS


def _news(read: ReadField, before: _Before, outcome: str) -> Iterator[News]:
    if outcome is not _PAGE_STANDS:
        return
    if read.rating and not before.rating:
        yield News(read.path, "rating", read.rating, read.number)
    if read.required and not before.is_listed:
        yield News(read.path, "required", "required", read.number)


def _contradictions(read: ReadField, before: _Before, outcome: str) -> Iterator[Contradiction]:
    is_news = outcome is _PAGE_STANDS
    if read.rating is not before.rating and (before.rating or not is_news):
        stands = outcome if read.rating else _CATALOG_STANDS
        words = (read.rating or "no rating", before.rating or "no rating")
        yield Contradiction(read.path, "rating", *words, before.source, stands, read.number)
    says_otherwise = read.required is not None and read.required is not before.required
    if says_otherwise and (before.is_listed or not is_news):
        words = ("required", "not required") if read.required else ("not required", "required")
        yield Contradiction(read.path, "required", *words, before.source, outcome, read.number)


def _compare_types(one: FieldList, tree: EventTree) -> Iterator[Contradiction]:
    for read in (*one.fields, *one.misfits):
        shapes = tree.shapes[read.path]
        if read.type and not agrees(read.type, shapes):
            words = (read.type.words, name_shapes(shapes))
            source = shapes[0].source
            yield Contradiction(read.path, "type", *words, source, _CATALOG_STANDS, read.number)


def _compare_values(comparison: Comparison, tree: EventTree, catalog: Catalog) -> None:
    """Add to `comparison` what its fields' supported values tell."""
    for read in comparison.field_list.fields:
        value_set = _governing_set(read, tree, catalog)
        if value_set is None:
            comparison.unlinked += [read] if read.values else []
            continue
        printed = read.values or read.items
        if not set(printed) & set(value_set.values):
            comparison.contradictions += [_stranger(read, value_set)] if read.values else []
            continue
        _compare_set(comparison, read, printed, value_set)


def _governing_set(read: ReadField, tree: EventTree, catalog: Catalog) -> ValueSet | None:
    """The set of the field; a public code system is none, its values are not listed here."""
    names = [shape.value_set for shape in tree.shapes[read.path] if shape.value_set]
    value_set = catalog.value_sets[names[0]] if names else None
    return value_set if value_set and value_set.kind not in _OPEN_LISTS else None


def _compare_set(
    comparison: Comparison, read: ReadField, printed: tuple[str, ...], value_set: ValueSet
) -> None:
    source = comparison.field_list.source
    planned = {(line.value_set, line.value) for line in comparison.values}
    for value in printed:
        if value not in value_set.values and (value_set.name, value) not in planned:
            line = ValueLine(value_set.name, value_set.kind, value, source)
            comparison.values.append(line)
    missing = [value for value in value_set.values if value not in printed]
    if missing and value_set.kind is ValueSetKind.CLOSED:
        words = f"{len(printed)} values, without {', '.join(missing)}"
        comparison.contradictions.append(_differing(read, words, value_set, "the set keeps them"))


def _stranger(read: ReadField, value_set: ValueSet) -> Contradiction:
    words = f"{len(read.values)} values, none of them in the set"
    return _differing(read, words, value_set, "nothing is written")


def _differing(read: ReadField, words: str, value_set: ValueSet, outcome: str) -> Contradiction:
    return Contradiction(
        path=read.path,
        fact="values",
        printed=words,
        catalog=f"value set {value_set.name}",
        source=value_set.source,
        outcome=outcome,
        number=read.number,
    )
