"""What goes with an export so that its reader need not ask: README, data dictionary, manifest."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from etl.publish.export import ExportedTable

MANIFEST = "manifest.json"
MADE_BY = "redox-warehouse export"
_HEADER = (
    "table", "column", "type", "key", "path", "meaning", "value_set", "sensitivity", "comment"
)  # fmt: skip

_README = """\
# Export of a Redox warehouse

Made {created_at} from {source}: {tables:,} tables, {rows:,} rows, as {file_format}.
**This folder holds protected health information; keep it as the law and your contracts ask.**

- One file per table: `<schema>/<table>.{file_format}`. One schema per Redox data model.
- `<schema>/message`: one row per message. Every array of a message is a table of its own, named by
  its path; `message_id` and the `..._ordinal` columns (1-based positions) join it to its parent.
- `dictionary.csv`: every column with its type, its place in the key, its path in Redox's notation,
  meaning, value set and sensitivity. `manifest.json`: files with rows and bytes, for programs.
- Times are UTC{time_note}. Money is DECIMAL(18,4). Numbers that Redox sends as text are text.
{csv_note}
| table | rows | what one row is |
|---|---|---|
{listing}
"""
_CSV_NOTE = """\
- CSV: UTF-8, a header, CRLF, quotes doubled (RFC 4180). Empty is null. Give the types when you read
  it, or use Parquet, which carries them: programs guess, and turn `00123` into 123.
"""


@dataclass(frozen=True, slots=True)
class FieldFacts:
    """What the catalog knows of the field that a column holds."""

    path: str = ""
    meaning: str = ""
    value_set: str = ""
    sensitivity: str = ""


@dataclass(frozen=True, slots=True)
class ExportFacts:
    """What an export is: when and from what it was made."""

    created_at: str
    source: str
    file_format: str


def write_companions(
    folder: Path,
    exported: Sequence[ExportedTable],
    facts: ExportFacts,
    fields: Mapping[tuple[str, str, str], FieldFacts],
) -> None:
    """Write README.md, dictionary.csv and manifest.json; `fields` is by schema, table, column."""
    with (folder / "dictionary.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_HEADER)
        writer.writerows(row for table in exported for row in _dictionary_rows(table, fields))
    (folder / "README.md").write_text(_readme(exported, facts), "utf-8")
    (folder / MANIFEST).write_text(_manifest(exported, facts), "utf-8")
    for name in ("dictionary.csv", "README.md", MANIFEST):
        (folder / name).chmod(0o600)


def _dictionary_rows(
    table: ExportedTable, fields: Mapping[tuple[str, str, str], FieldFacts]
) -> Iterator[tuple[object, ...]]:
    relation = table.relation.as_published()
    for column in relation.columns:
        known = fields.get((relation.schema, relation.name, column.name), FieldFacts())
        yield (
            relation.qualified_name,
            column.name,
            column.sql_type,
            relation.key.index(column.name) + 1 if column.is_key else "",
            known.path,
            known.meaning,
            known.value_set,
            known.sensitivity,
            column.comment,
        )


def _readme(exported: Sequence[ExportedTable], facts: ExportFacts) -> str:
    is_csv = facts.file_format == "csv"
    return _README.format(
        created_at=facts.created_at,
        source=facts.source,
        tables=len(exported),
        rows=sum(table.rows for table in exported),
        file_format=facts.file_format,
        time_note=", ISO 8601" if is_csv else "",
        csv_note=_CSV_NOTE if is_csv else "",
        listing="\n".join(
            f"| {table.relation.qualified_name} | {table.rows:,} | {table.relation.comment} |"
            for table in exported
        ),
    )


def _manifest(exported: Sequence[ExportedTable], facts: ExportFacts) -> str:
    tables = {
        table.relation.qualified_name: {
            "file": table.file,
            "rows": table.rows,
            "bytes": table.bytes,
            "key": table.relation.key,
            "columns": {c.name: c.sql_type for c in table.relation.as_published().columns},
        }
        for table in exported
    }
    content = {
        "made_by": MADE_BY,
        "created_at": facts.created_at,
        "source": facts.source,
        "format": facts.file_format,
        "tables": tables,
    }
    return json.dumps(content, indent=1)
