"""`redox-warehouse drift`: what comes that the catalog does not list."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from etl.cli.completion import MODEL, RULE
from etl.cli.opening import open_loader
from etl.cli.tables import Column, print_table, say, wide_option
from etl.errors import UsageFault
from etl.known_names import require_known
from etl.pipeline.catalog_cache import site_catalog
from etl.plurals import counted, is_or_are
from etl.queries.drift import DriftLine, NewLines, list_drift, write_drift
from etl.queries.new_model import NewModel, propose_model, write_model
from etl.queries.reading import open_newest
from etl.settings import Settings

MOST_MODELS = 3
COLUMNS = (
    Column("data_model", rank=2),
    Column("path", is_path=True),
    Column("rule", rank=1),
    Column("json_type", rank=3),
    Column("messages", is_number=True),
    Column("first_day", rank=5),
    Column("last_day", rank=4),
    Column("sources", rank=6, is_number=True),
    Column("occurrences", rank=7, is_number=True),
    Column("meaning", rank=8),
    Column("size_class", rank=8),
    Column("event_types", rank=9),
    Column("source_ids", rank=10),
)


@click.command()
@click.option(
    "--rule", "rules", multiple=True, type=RULE, help="Only this rule, such as unlisted_key."
)
@click.option(
    "--model", "data_models", multiple=True, type=MODEL, help="Data model, as in Meta.DataModel."
)
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True,
              help="Maximum number of lines.")  # fmt: skip
@wide_option
@click.option("--write", is_flag=True, help="Add the new fields to HOME/catalog/fields.csv.")
@click.option("--new-model", metavar="NAME", default="",
              help="Propose this unknown data model from its messages in quarantine.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def drift(
    settings: Settings,
    /,
    rules: tuple[str, ...],
    data_models: tuple[str, ...],
    limit: int,
    wide: bool,
    write: bool,
    new_model: str,
    as_json: bool,
) -> None:
    """Show what arrives that the catalog does not list.

    Keys, types, shapes, event types, extensions. Prints paths, types, sizes, days and sources,
    never a value. With --write the unlisted keys get lines in the site's catalog, and
    `redox-warehouse reload` then moves their values to columns.

    Messages of a data model that the catalog does not have wait in quarantine. With --new-model a
    model is proposed from them, with --write also written; `redox-warehouse quarantine replay` then
    loads them.

    \b
    Examples:
      redox-warehouse drift
      redox-warehouse drift --rule unlisted_key --model PatientAdmin
      redox-warehouse drift --write
      redox-warehouse drift --write --model PatientAdmin
      redox-warehouse drift --new-model Insurance
      redox-warehouse drift --new-model Insurance --write
    """
    if new_model:
        if rules or data_models:
            raise UsageFault("A new model is proposed as a whole; leave out --rule and --model.")
        _propose(settings, new_model, write=write, as_json=as_json)
        return
    if write and rules:
        raise UsageFault("Only unlisted keys can be written; leave out --rule, or --write.")
    if write:
        _print_written(write_drift(settings, data_models=data_models), as_json=as_json)
        return
    with open_newest(settings) as (connection, place):
        require_known(connection, rules=rules, data_models=data_models)
        lines = list_drift(
            connection,
            rules=rules,
            data_models=data_models,
            limit=limit + 1,
            extensions=site_catalog(settings).extensions,
        )
    lines, has_more = lines[:limit], len(lines) > limit
    if as_json:
        drifting = [asdict(line) for line in lines]
        answer = {"as_of": place, "has_more": has_more, "drift": drifting}
        click.echo(json.dumps(answer, indent=1, default=str))
        return
    if lines:
        print_table([asdict(line) for line in lines], COLUMNS, wide=wide)
        if has_more:
            say(f"There are more; --limit {10 * limit} shows them.")
        _say_next(lines)
    else:
        say("Everything that arrived is listed in the catalog.")
    if place != "warehouse":
        say(f"A load is writing; this is the {place}.")


def _say_next(lines: list[DriftLine]) -> None:
    unlisted = any(line.rule == "unlisted_key" and '["*"]' not in line.path for line in lines)
    if unlisted:
        say("To give the unlisted keys columns, run `redox-warehouse drift --write`.")


def _propose(settings: Settings, name: str, *, write: bool, as_json: bool) -> None:
    with open_loader(settings) as loader:
        new = write_model(loader, name) if write else propose_model(loader, name)
    if as_json:
        _print_json(new)
        return
    _print_fields(new)
    number = counted(len(new.fields), "field")
    if write:
        say(f"{name} is in HOME/catalog now, with {number}.")
        say("Review what was written, then run `redox-warehouse quarantine replay` to load them.")
    else:
        say(f"{number}; to write them, add --write.")


def _print_json(new: NewLines | NewModel) -> None:
    fields = [
        {"data_model": f.data_model, "path": f.path, "json_type": f.json_type.value}
        for f in new.fields
    ]
    click.echo(json.dumps({"fields": fields, "left_out": new.left_out}, indent=1))


def _print_fields(new: NewLines | NewModel) -> None:
    for field in new.fields:
        kind = field.temporal or field.number_kind or field.item_type or ""
        click.echo(f"{field.data_model}  {field.path}  {field.json_type} {kind}".rstrip())
    for sentence in new.left_out:
        click.echo(sentence, err=True)


def _print_written(new: NewLines, *, as_json: bool) -> None:
    if as_json:
        _print_json(new)
        return
    _print_fields(new)
    if not new.fields:
        click.echo("There is nothing new to list.")
        return
    models = [f' --model "{model}"' for model in new.data_models]
    command = f"redox-warehouse reload{''.join(models) if len(models) <= MOST_MODELS else ''}"
    number = len(new.fields)
    told = f"{counted(number, 'field')} {is_or_are(number)}"
    click.echo(f"{told} listed in HOME/catalog/{new.file.name} now.")
    click.echo(f"Review what was written, then run `{command}` to fill the columns.")
