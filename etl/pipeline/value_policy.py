"""Which fields lose values outside their closed set, by the site's configuration.

What is outside is checked in `etl.check`; here is only what becomes of it. A field that has its set
by analogy loses values only where the configuration names the field itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from etl.errors import UsageFault
from etl.sections import ValueSettings
from models.catalog.records import Catalog, Field, ValueSetKind

NULL = "null"


def nulled_fields(catalog: Catalog, policies: ValueSettings) -> Mapping[str, frozenset[str]]:
    """The paths of each data model whose values outside their set are stored as null.

    Raises UsageFault that names every set and field of the configuration the catalog lacks.
    """
    faults = [*_unknown_sets(catalog, policies), *_unknown_fields(catalog, policies)]
    if faults:
        raise UsageFault(
            f"The configuration is not valid ({'; '.join(faults)}); correct its section values."
        )
    return {
        model: frozenset(f.path for f in fields if _policy(f, catalog, policies) == NULL)
        for model, fields in catalog.fields.items()
    }


def field_key(data_model: str, path: str) -> str:
    """How the configuration names one field of one data model."""
    return f"{data_model}: {path}"


def _policy(field: Field, catalog: Catalog, policies: ValueSettings) -> str:
    value_set = catalog.value_sets.get(field.value_set)
    if value_set is None or value_set.kind is not ValueSetKind.CLOSED:
        return ""
    for key in (field_key(field.data_model, field.path), field.path):
        if key in policies.fields:
            return policies.fields[key]
    if not field.is_value_set_certain:
        return ""
    return policies.sets.get(value_set.name, policies.policy)


def _unknown_sets(catalog: Catalog, policies: ValueSettings) -> Iterator[str]:
    for name in policies.sets:
        value_set = catalog.value_sets.get(name)
        if value_set is None:
            yield f"values.sets.{name}: the catalog has no such value set"
        elif value_set.kind is not ValueSetKind.CLOSED:
            yield f"values.sets.{name}: the set is not closed, so nothing is outside it"


def _unknown_fields(catalog: Catalog, policies: ValueSettings) -> Iterator[str]:
    with_set = [f for own in catalog.fields.values() for f in own if f.value_set]
    known = {field.path for field in with_set}
    known |= {field_key(field.data_model, field.path) for field in with_set}
    for name in policies.fields:
        if name not in known:
            yield f"values.fields.{name}: the catalog has no such field with a value set"
