"""Writes the pages of docs/ that repeat the catalog: `python -m docs.generate`.

What they say is said in `models/catalog/data`; a test holds the pages to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from etl.check.rules import render_rules
from models.catalog import Catalog, read_catalog
from models.tables.plan import Table, plan_tables

FOLDER = Path(__file__).parent
INTRODUCTION = """\
# Tables

Written from the catalog by `make docs`; change `models/catalog/data/fields.csv`. Every table has
`message_id` and the ordinals of its arrays as its key, and a comment on every column: path, value
set, sensitivity. The columns of one data model: `redox-warehouse catalog show "Clinical Summary"`.
A table exists once its data model was loaded.

The table `message` of a schema has one row per message and also `event_type`, `event_at`,
`received_at`, `source_id`, `facility_code`, `is_test`. All other tables have one row per element of
their array.
"""


def render_tables(catalog: Catalog) -> str:
    """Markdown: one section per schema, one line per table."""
    plan = plan_tables(catalog)
    core = "What Meta says, of all data models."
    sections = [INTRODUCTION, *_section("core", core, plan.core.values())]
    for name, model in catalog.data_models.items():
        events = ", ".join(event.event_type for event in model.event_types)
        told = f"{name}: {model.description}.\n\nEvent types: {events}."
        sections += _section(model.schema, told, plan.models[name].values())
    return "\n".join(sections)


def _section(schema: str, told: str, tables: Iterable[Table]) -> Iterator[str]:
    yield f"## {schema}\n\n{told}\n\n| table | one row per | columns |\n|---|---|---|"
    yield "".join(f"{_line(table)}\n" for table in tables)


def _line(table: Table) -> str:
    grain = f"`{table.path}`" if table.path else "message"
    return f"| {table.name} | {grain} | {len(table.columns)} |"


PAGES: dict[str, Callable[[Catalog], str]] = {"rules.md": render_rules, "tables.md": render_tables}


def write_pages(folder: Path = FOLDER) -> None:
    """Write every generated page into a folder."""
    catalog = read_catalog()
    for name, render in PAGES.items():
        (folder / name).write_text(render(catalog), "utf-8")


if __name__ == "__main__":
    write_pages()
