"""Parquet files of a table that are there already, such as those that executors wrote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from etl.publish.relations import Relation
from etl.sql_text import literal_path, quote


@dataclass(frozen=True, slots=True)
class GivenFile:
    """One file: rows, bytes, hash of its content, and the names of its columns."""

    path: Path
    rows: int
    bytes: int
    sha256: str
    columns: frozenset[str]

    @property
    def name(self) -> str:
        return self.path.stem


def has_all_columns(relation: Relation, file: GivenFile) -> bool:
    """True if a file can be read as the table is now."""
    return all(column.name in file.columns for column in relation.columns)


def select_of(relation: Relation, files: Iterable[GivenFile]) -> str:
    """The SELECT of a table's rows from at least one file; columns that came later are null."""
    alike: dict[frozenset[str], list[GivenFile]] = {}
    for file in files:
        alike.setdefault(file.columns, []).append(file)
    return " union all ".join(_select(relation, own) for own in alike.values())


def _select(relation: Relation, files: Sequence[GivenFile]) -> str:
    columns = ", ".join(
        column.name
        if column.name in files[0].columns
        else f"cast(null as {column.sql_type}) as {column.name}"
        for column in relation.columns
    )
    listing = ", ".join(quote(literal_path(str(file.path))) for file in files)
    return f"select {columns} from read_parquet([{listing}])"
