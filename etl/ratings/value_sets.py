"""Supported values of a page beside the catalog's value sets.

New values join the set that governs the field; a page neither makes a set nor empties one.
"""

from __future__ import annotations

from etl.ratings.comparison import Comparison, Contradiction, ValueLine
from etl.ratings.event_tree import EventTree
from etl.ratings.records import ReadField
from models.catalog.records import Catalog, ValueSet, ValueSetKind

_OPEN_LISTS = (ValueSetKind.EXTERNAL,)


def compare_values(comparison: Comparison, tree: EventTree, catalog: Catalog) -> None:
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
