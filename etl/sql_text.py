"""Literals and identifiers for SQL text: the one place that quotes. No SQL is spoken here."""

from __future__ import annotations

import re

_GLOB = re.compile(r"([*?\[])")


def quote(text: str) -> str:
    """An SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def quote_name(name: str) -> str:
    """An SQL identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'


def literal_path(path: str) -> str:
    """A path as DuckDB's file functions take it, its own wildcards meaning themselves."""
    return _GLOB.sub(r"[\1]", path)
