"""Gives new fields an SQL name of their own where the derived one cannot be used.

A derived name cannot be used when it is a keyword, too long, or taken in its table (for arrays: in
its schema). Names that can be used are left to be derived.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import replace
from hashlib import sha256

from sqlalchemy import MetaData

from models.catalog.meta_fields import META
from models.catalog.records import Catalog, Field, JsonType
from models.compile.ddl import compile_metadata, compile_model_metadata
from models.tables.naming import MAX_IDENTIFIER, enclosing_array, enclosing_arrays, ordinal_name
from models.tables.plan import CORE_SCHEMA, WarehousePlan, derive_name

_HASH_LETTERS = 6
_LONGEST_STEM = 48


class Names:
    """The names that are taken in one data model's schema, or in core."""

    def __init__(
        self, catalog: Catalog, plan: WarehousePlan, data_model: str, *, is_meta: bool
    ) -> None:
        self._prefix = META if is_meta else ""
        self._tables = plan.core if is_meta else plan.models[data_model]
        metadata = MetaData()
        if is_meta:
            compile_metadata(catalog, plan, metadata)
        else:
            compile_model_metadata(catalog, plan, data_model, metadata)
        schema = CORE_SCHEMA if is_meta else catalog.data_models[data_model].schema
        self._taken_tables = {t.name for t in metadata.tables.values() if t.schema == schema}
        self._taken_columns = {
            path: set(metadata.tables[table.qualified_name].columns.keys())
            for path, table in self._tables.items()
        }

    def settle(
        self, known: Iterable[Field], new: Iterable[Field], keywords: Set[str]
    ) -> list[Field]:
        """The new fields, parents first, each with a `sql_name` where it needs one."""
        settled: list[Field] = []
        listed = list(known)
        for field in sorted(new, key=lambda one: one.path):
            named = self._settle(field, [*listed, *settled], keywords)
            settled.append(named)
        return settled

    def _settle(self, field: Field, others: list[Field], keywords: Set[str]) -> Field:
        if field.json_type is JsonType.OBJECT:
            return field
        derived = derive_name(field, [*others, field], prefix=self._prefix)
        if field.json_type is JsonType.ARRAY:
            taken = self._taken_tables
            self._taken_columns[field.path] = _key_columns(field.path)
        else:
            taken = self._taken_columns.setdefault(enclosing_array(field.path), set())
        name = _free_name(derived, taken, keywords)
        taken.add(name)
        return field if name == derived else replace(field, sql_name=name)


def _key_columns(path: str) -> set[str]:
    """The key of a new array's table: its columns must not be named like it."""
    ordinals = [ordinal_name(array) for array in enclosing_arrays(path)]
    numbered = {f"{name}_{number}" for name in ordinals for number in range(2, len(ordinals) + 1)}
    return {"message_id", *ordinals, *numbered}


def _free_name(derived: str, taken: Set[str], keywords: Set[str]) -> str:
    name = derived
    if len(name) > MAX_IDENTIFIER:
        name = f"{name[:_LONGEST_STEM]}_{sha256(name.encode()).hexdigest()[:_HASH_LETTERS]}"
    if name in keywords:
        name = f"{name}_value"
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate
