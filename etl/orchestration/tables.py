"""Small tables of names and numbers as Dagster's pages show them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import dagster as dg


def text_table(
    *columns: tuple[str, str], rows: Iterable[Sequence[int | str]]
) -> dg.TableMetadataValue:
    """Return a table; columns are pairs of name and kind (`int`, `string`)."""
    schema = dg.TableSchema([dg.TableColumn(name, kind) for name, kind in columns])
    names = [name for name, _ in columns]
    records = [dg.TableRecord(dict(zip(names, row, strict=True))) for row in rows]
    return dg.MetadataValue.table(records, schema)


def count_table(name: str, count: str, rows: Iterable[tuple[str, int]]) -> dg.TableMetadataValue:
    """Return a table of numbers and names, the largest first; numbers lead, long names may be cut."""
    ordered = sorted(rows, key=lambda row: (-row[1], row[0]))
    return text_table((count, "int"), (name, "string"), rows=[(n, label) for label, n in ordered])


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; a bar in a cell is escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines
    )
