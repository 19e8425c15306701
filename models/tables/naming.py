"""Names of tables and columns, derived from Redox paths.

snake_case, acronyms whole (`DocumentIDs` -> `document_ids`, `NPI` -> `npi`, `EHRID` -> `ehr_id`).
The catalog's `sql_name` overrides where a name would exceed 63 characters or need quotes.
"""

import re
from functools import cache

MAX_IDENTIFIER = 63
ROOT_TABLE = "message"
SCALAR_COLUMN = "value"

_WORD = re.compile(r"[A-Z]{2,}(?=s?(?:[A-Z][a-z]|$))s?|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_ACRONYM_ID = re.compile(r"([A-Z]{3,})(IDs?)\b")


@cache
def snake_case(name: str) -> str:
    """One Redox key as an SQL name."""
    spaced = _ACRONYM_ID.sub(r"\1 \2", name)
    return "_".join(_WORD.findall(spaced)).lower()


def ordinal_name(array_path: str) -> str:
    """The key column that holds the 1-based position in an array."""
    return f"{snake_case(last_key(array_path))}_ordinal"


def last_key(path: str) -> str:
    """The JSON key of a path: its last segment without `[]`."""
    return path.rsplit(".", 1)[-1].removesuffix("[]")


def enclosing_array(path: str) -> str:
    """The path of the nearest array that holds this path, "" when none does."""
    parent, _, _ = path.rpartition(".")
    head, mark, _ = parent.rpartition("[]")
    return head + mark


def enclosing_arrays(path: str) -> tuple[str, ...]:
    """All arrays around a path, outermost first, the path itself included when it is one."""
    arrays = []
    at = path if path.endswith("[]") else enclosing_array(path)
    while at:
        arrays.append(at)
        at = enclosing_array(at)
    return tuple(reversed(arrays))
