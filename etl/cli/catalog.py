"""`redox-warehouse catalog`: look into the catalog, complete it from saved documentation pages.

What importing does lives in `etl.ratings`; this is its door.
"""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import Any

import click

from etl.cli.completion import FIELD_PATH, MODEL
from etl.cli.groups import NearGroup
from etl.cli.tables import Column, is_terminal, print_table, say, wide_option
from etl.settings import Settings, read_settings

IMPORT_EPILOG = """\b
Examples:
  redox-warehouse catalog import-ratings pages/
  redox-warehouse catalog import-ratings patient-admin-arrival.html --write
  redox-warehouse catalog import-ratings pages/ --json > ratings.json

\b
See docs/ratings.md for how to save the pages.
Exit codes: 0 all pages were read, 1 a page was refused, 2 wrong call or faulty catalog.
"""
TEMPLATE_EPILOG = """\b
Examples:
  redox-warehouse catalog template rules > HOME/catalog/rules.csv
  redox-warehouse catalog template rules | grep ',error,'
"""
SHOW_EPILOG = """\b
Examples:
  redox-warehouse catalog show Scheduling
  redox-warehouse catalog show Scheduling Visit.VisitNumber
  redox-warehouse catalog show --model Vaccination
  redox-warehouse catalog show "Clinical Summary" "Allergies[].Status" --json
"""


COLUMNS = (
    Column("column"),
    Column("path", is_path=True),
    Column("meaning", rank=1, is_text=True),
    Column("type", rank=3),
    Column("rating", rank=2),
)


@click.group(cls=NearGroup)
def catalog() -> None:
    """Look up fields, or complete the catalog."""


@catalog.command("import-ratings", epilog=IMPORT_EPILOG)
@click.argument("pages", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--write", is_flag=True, help="Write to HOME/catalog; otherwise nothing changes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def import_ratings(
    context: click.Context, /, pages: tuple[Path, ...], write: bool, as_json: bool
) -> None:
    """Complete ratings from saved Redox documentation pages.

    PAGES are saved pages (HTML, single-file archive or text) or folders of them. Prints what was
    read, what is new, what contradicts the catalog, and what could not be read.
    """
    from etl.ratings.importing import import_pages  # costs time that others need not spend
    from etl.ratings.tell import report_values, tell_report

    report = import_pages(pages, overlay=_overlay(context), write=write)
    click.echo(json.dumps(report_values(report)) if as_json else tell_report(report))
    context.exit(0 if report.is_clean else 1)


@catalog.command(epilog=SHOW_EPILOG)
@click.argument("model", required=False, type=MODEL)
@click.argument("path", required=False, type=FIELD_PATH)
@click.option(
    "--model",
    "named",
    type=MODEL,
    metavar="MODEL",
    help="The data model, as other commands name it.",
)
@wide_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def show(
    context: click.Context,
    /,
    model: str | None,
    path: str | None,
    named: str | None,
    wide: bool,
    as_json: bool,
) -> None:
    """Show a data model, or one PATH of it.

    With --model, the only argument is the PATH. A data model is listed with its documented ratings;
    a PATH is shown with every rating and its source.
    """
    if named:
        model, path = named, path or model
    if not model:
        raise click.UsageError("Missing argument 'MODEL'.", context)
    from etl.cli.catalog_facts import find_field, find_model, tell_facts
    from etl.ratings.importing import read_site_catalog

    known = read_site_catalog(_overlay(context))
    facts = find_field(known, model, path) if path else find_model(known, model)
    if as_json:
        click.echo(json.dumps(facts))
        return
    paths = {} if path else facts.pop("paths")
    places = {} if path else facts.pop("stored_in")
    ratings = {} if path else facts.pop("documented_ratings")
    meanings = {} if path else facts.pop("meanings")
    click.echo(tell_facts(facts))
    if paths:
        rows = [
            {
                "path": one,
                "type": paths[one],
                "stored_in": places.get(one, ""),
                "rating": ratings.get(one, ""),
                "meaning": meanings[one],
            }
            for one in paths
        ]
        _print_paths(rows, wide)


def _print_paths(rows: list[dict[str, str]], wide: bool) -> None:
    """Each path with its table, column, rating and meaning: by table on a terminal, as records piped."""
    if not is_terminal():
        print_table(rows, tuple(map(Column, rows[0])))
        return
    tables: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        schema, table, column = [*row["stored_in"].split("."), "", "", ""][:3]
        tables.setdefault(f"{schema}.{table}", []).append({**row, "column": column or "-"})
    for table, own in tables.items():
        say()
        print_table(own, COLUMNS, title=table, wide=wide)


@catalog.command(epilog=TEMPLATE_EPILOG)
@click.argument("file", type=click.Choice(["rules"]))
def template(file: str) -> None:
    """Print a FILE of HOME/catalog to start from, as delivered.

    Change severities and delete the lines that you leave as they are, so that later releases can
    change those.
    """
    from models.catalog import read_catalog

    rules = read_catalog().rules.values()
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("rule", "severity", "meaning"))
    for rule in sorted(rules, key=lambda rule: rule.code):
        if rule.area != "quarantine":  # nothing of those is stored, so a severity means nothing
            writer.writerow((rule.code, rule.severity.value, rule.meaning))


def _overlay(context: click.Context) -> Path:
    settings = context.find_object(Settings) or read_settings()
    return settings.catalog_path
