"""Meta, the object that every message has: its fields are the same in all data models.

A data model that a site adds need not repeat them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from models.catalog.records import DataModel, Field

META: Final = "Meta"


def is_meta(path: str) -> bool:
    """True if a path is Meta or below it."""
    return path == META or path.startswith(f"{META}.")


def complete_meta(
    fields: Mapping[str, list[Field]], data_models: Mapping[str, DataModel]
) -> dict[str, list[Field]]:
    """The fields, for models that list no Meta.DataModel with those of Meta that most models list."""
    common = _common_meta(fields)
    return {name: [*own, *_missing(common, own, data_models[name])] for name, own in fields.items()}


def _missing(common: list[Field], own: list[Field], model: DataModel) -> list[Field]:
    listed = {field.path.removesuffix("[]") for field in own}
    if f"{META}.DataModel" in listed:
        return []
    events = frozenset(event.event_type for event in model.event_types)
    return [
        replace(field, data_model=model.name, event_types=events)
        for field in common
        if field.path.removesuffix("[]") not in listed
    ]


def _common_meta(fields: Mapping[str, list[Field]]) -> list[Field]:
    meta = [[field for field in own if is_meta(field.path)] for own in fields.values()]
    found = {field.path: field for own in meta for field in own}
    counts = Counter(field.path for own in meta for field in own)
    most = sum(1 for own in meta if own) / 2
    return [field for path, field in sorted(found.items()) if counts[path] > most]
