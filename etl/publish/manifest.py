"""The manifest of a version: which files hold which table, and by which signatures they were made.

Written beside the files; the next version reads it to know which files it can share. Readers may
use it too: docs/published.md says what is in it. It holds no value of a payload.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from etl.publish.relations import Relation
from etl.publish.state import LoadIds

FORMAT = 1
MANIFEST = "manifest.json"
EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Part:
    """A slice of a table, or all of it. Without rows it has no file, unless it is `EMPTY`.

    `sha256` is that of the file; empty in versions of before it was noted.
    """

    part: str
    rows: int
    bytes: int
    signature: str
    sha256: str = ""

    @classmethod
    def written(cls, name: str, rows: int, file: Path, *, signature: str) -> Part:
        """The part that a finished file is."""
        with file.open("rb") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        return cls(name, rows, file.stat().st_size, signature, sha256)

    @property
    def has_file(self) -> bool:
        return self.rows > 0 or self.part == EMPTY

    @property
    def file_name(self) -> str:
        return f"{self.part}.parquet"


@dataclass(frozen=True, slots=True)
class TableFiles:
    """One published table: names with types of its columns, its key, its parts."""

    columns: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def rows(self) -> int:
        return sum(part.rows for part in self.parts)

    @property
    def bytes(self) -> int:
        return sum(part.bytes for part in self.parts)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One version. `folder` is where it stood when its views were made: they hold that path."""

    version: int
    created_at: str
    folder: str
    catalog_hash: str
    load_ids: LoadIds
    views_hash: str
    views: tuple[str, ...]
    tables: Mapping[str, TableFiles]

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())

    @property
    def bytes(self) -> int:
        return sum(table.bytes for table in self.tables.values())

    def has_content_of(self, other: Manifest) -> bool:
        """True if a reader would find the same in both, each at its own place."""
        return self == replace(
            other,
            version=self.version,
            created_at=self.created_at,
            folder=str(Path(other.folder).with_name(str(self.version))),
        )


def columns_of(relation: Relation) -> tuple[tuple[str, str], ...]:
    """Names and published types, by which a table whose columns changed is seen."""
    return tuple((c.name, c.sql_type) for c in relation.as_published().columns)


def to_json(manifest: Manifest) -> str:
    """The text of manifest.json."""
    totals = {"rows": manifest.rows, "bytes": manifest.bytes}
    tables = {name: _table_json(name, table) for name, table in manifest.tables.items()}
    facts = asdict(replace(manifest, tables={}))
    return json.dumps({"format": FORMAT, **totals, **facts, "tables": tables}, indent=1)


def _table_json(name: str, table: TableFiles) -> dict[str, Any]:
    folder = name.replace(".", "/")
    files = [
        {"file": f"{folder}/{part.file_name}" if part.has_file else None, **asdict(part)}
        for part in table.parts
    ]
    return {
        "rows": table.rows,
        "bytes": table.bytes,
        "columns": dict(table.columns),
        "key": table.key,
        "files": files,
    }


def read_manifest(path: Path) -> Manifest | None:
    """A manifest, None when there is none or it is of another format."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError):
        return None
    if content.get("format") != FORMAT:
        return None
    return Manifest(
        version=content["version"],
        created_at=content["created_at"],
        folder=content["folder"],
        catalog_hash=content["catalog_hash"],
        load_ids=LoadIds(**content["load_ids"]),
        views_hash=content["views_hash"],
        views=tuple(content["views"]),
        tables={name: _table_from(table) for name, table in content["tables"].items()},
    )


def _table_from(content: dict[str, Any]) -> TableFiles:
    parts = (
        Part(file["part"], file["rows"], file["bytes"], file["signature"], file.get("sha256", ""))
        for file in content["files"]
    )
    return TableFiles(tuple(content["columns"].items()), tuple(content["key"]), tuple(parts))
