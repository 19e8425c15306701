"""How much of the catalog has a reliability rating: by documentation, by the site, by inference."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from models.catalog.records import Catalog, Expectation


@dataclass(frozen=True, slots=True)
class RatingShare:
    """Fields of event types, containers included: how many are listed, documented, inferred."""

    listed: int
    documented: int
    inferred: int

    def __str__(self) -> str:
        share = self.documented / self.listed if self.listed else 0.0
        return (
            f"{self.documented:,} of {self.listed:,} fields of event types ({share:.1%}) have a "
            f"documented rating, {self.inferred:,} an inferred one"
        )


def rating_share(catalog: Catalog, data_model: str = "", event_type: str = "") -> RatingShare:
    """The share of one data model or event type, of all where none is named.

    A site's ratings are documented.
    """
    names = [data_model] if data_model else list(catalog.data_models)
    rated = _rated(catalog)
    listed = documented = inferred = 0
    for name in names:
        pairs = {(event, f.path) for f in catalog.fields[name] for event in f.event_types}
        pairs = {pair for pair in pairs if event_type in ("", pair[0])}
        listed += len(pairs)
        for event, path in pairs:
            found = [
                one.is_inferred
                for one in rated.get(path, ())
                if one.data_model in ("*", name) and one.event_type in ("*", event)
            ]
            documented += False in found
            inferred += bool(found) and False not in found
    return RatingShare(listed, documented, inferred)


def _rated(catalog: Catalog) -> dict[str, list[Expectation]]:
    """The expectations with a rating for all sources, by path."""
    rated: dict[str, list[Expectation]] = defaultdict(list)
    for one in catalog.expectations:
        if one.rating and not one.source_id:
            rated[one.path].append(one)
    return rated
