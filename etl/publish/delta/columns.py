"""Declares a published table's columns for Delta: names, types, comments; every column is nullable."""

from __future__ import annotations

import re
from collections.abc import Mapping

from deltalake import Field, Schema
from deltalake.schema import PrimitiveType

from etl.errors import PermanentError
from etl.publish.relations import INSTANT, TEXT

COMMENT = "comment"
_TYPES = {
    "BIGINT": "long",
    "INTEGER": "integer",
    "SMALLINT": "short",
    "DOUBLE": "double",
    "FLOAT": "float",
    "BOOLEAN": "boolean",
    TEXT: "string",
    "DATE": "date",
    INSTANT: "timestamp",
}
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


def declared(columns: Mapping[str, str], comments: Mapping[str, str]) -> Schema:
    """The schema of a table, from its columns' published types and their comments by name."""
    return Schema(
        [
            Field(
                name,
                PrimitiveType(_delta_type(kind)),
                nullable=True,
                metadata=_metadata(comments.get(name, "")),
            )
            for name, kind in columns.items()
        ]
    )


def shape_of(schema: Schema) -> list[tuple[str, str]]:
    """Names and types in order, by which a change that readers must follow is seen."""
    return [(field.name, str(field.type)) for field in schema.fields]


def changed_comments(wanted: Schema, there: Schema) -> dict[str, str]:
    """The comments that are to be written, by column."""
    known = {field.name: _comment(field) for field in there.fields}
    return {
        field.name: _comment(field)
        for field in wanted.fields
        if _comment(field) != known.get(field.name)
    }


def _comment(field: Field) -> str:
    return str(field.metadata.get(COMMENT, ""))


def _metadata(comment: str) -> dict[str, str]:
    return {COMMENT: comment} if comment else {}


def _delta_type(kind: str) -> str:
    decimal = _DECIMAL.fullmatch(kind)
    if decimal:
        return f"decimal({decimal[1]},{decimal[2]})"
    if kind not in _TYPES:
        raise PermanentError(f"Delta has no type for {kind}; report the table that has it.")
    return _TYPES[kind]
