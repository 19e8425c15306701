"""Checks received values against value sets and names the supported value that was meant.

Only closed sets are enforced; examples, observed values and external code systems say nothing of
what else may come. Which field has which set is a fact of the catalog; what becomes of a value
outside is the policy of the caller, who keeps it as received or nulls it.
"""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from etl.check.text_columns import as_one_array
from models.catalog.records import Catalog, Synonym, ValueSet, ValueSetKind


class ValueSetChecker:
    """The closed value sets of a catalog with their synonyms, made ready to check columns."""

    def __init__(self, catalog: Catalog) -> None:
        self._sets = {
            value_set.name: _ClosedSet(value_set, catalog.synonyms)
            for value_set in catalog.value_sets.values()
            if value_set.kind is ValueSetKind.CLOSED
        }

    def find_violations(
        self, column: pa.Array | pa.ChunkedArray, value_set: str
    ) -> list[tuple[int, str]]:
        """Rows, ascending, whose string is outside the set, each with the suggestion or ""."""
        closed = self._sets.get(value_set)
        if closed is None or column.null_count == len(column):
            return []
        texts = as_one_array(column)
        is_inside = pc.is_in(texts, options=closed.lookup)
        if is_inside.true_count == len(texts):
            return []
        return _suggest_each(texts, pc.indices_nonzero(pc.invert(is_inside)), closed)


class _ClosedSet:
    """One closed set; `lookup` holds its values, null and "", none of which is a violation."""

    def __init__(self, value_set: ValueSet, synonyms: Iterable[Synonym]) -> None:
        own = [synonym for synonym in synonyms if synonym.value_set == value_set.name]
        self.values = frozenset(value_set.values)
        self.lookup = pc.SetLookupOptions(pa.array([*self.values, "", None], pa.string()))
        self._by_spelling = {synonym.received: synonym.supported for synonym in own}
        self._by_key = _index_by_key(
            [*((value, value) for value in value_set.values), *self._by_spelling.items()]
        )

    def suggest(self, value: str) -> str:
        """The supported value of an exact synonym, else of an alike spelling, else ""."""
        return self._by_spelling.get(value) or self._by_key.get(spelling_key(value), "")


def spelling_key(text: str) -> str:
    """What is left of a text without case, spacing and punctuation."""
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _index_by_key(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Supported values by spelling key; a key that would mean two of them means none."""
    meant: dict[str, set[str]] = {}
    for spelling, supported in pairs:
        meant.setdefault(spelling_key(spelling), set()).add(supported)
    return {key: min(values) for key, values in meant.items() if key and len(values) == 1}


def _suggest_each(texts: pa.Array, rows: pa.Array, closed: _ClosedSet) -> list[tuple[int, str]]:
    encoded = texts.take(rows).dictionary_encode()
    suggestions = [closed.suggest(value) for value in encoded.dictionary.to_pylist()]
    places = encoded.indices.to_pylist()
    return [(row, suggestions[place]) for row, place in zip(rows.to_pylist(), places, strict=True)]
