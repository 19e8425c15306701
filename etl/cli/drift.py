"""`redox-warehouse drift`: what comes that the catalog does not list."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from rich.console import Console

from etl.answers.drift import DriftLine, NewLines, list_drift, write_drift
from etl.answers.newest import open_newest
from etl.cli.tables import print_table, width
from etl.errors import UsageFault
from etl.known_names import require_known
from etl.plurals import counted, is_or_are
from etl.settings import Settings

MOST_MODELS = 3


@click.command()
@click.option("--rule", "rules", multiple=True, help="Only this rule, such as unlisted_key.")
@click.option("--model", "data_models", multiple=True, help="Data model, as in Meta.DataModel.")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--write", is_flag=True, help="List the new fields in HOME/catalog/fields.csv.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def drift(
    settings: Settings,
    /,
    rules: tuple[str, ...],
    data_models: tuple[str, ...],
    limit: int,
    write: bool,
    as_json: bool,
) -> None:
    """Tell what comes that the catalog does not list: keys, types, shapes, events, extensions.

    Prints paths, types, sizes, days and sources, never a value. With --write the unlisted keys
    get lines in the site's catalog; `redox-warehouse reload` then moves their values to columns.

    \b
    Examples:
      redox-warehouse drift
      redox-warehouse drift --rule unlisted_key --model PatientAdmin
      redox-warehouse drift --write
      redox-warehouse drift --write --model PatientAdmin
    """
    if write and rules:
        raise UsageFault("Only unlisted keys can be written; leave out --rule, or --write.")
    if write:
        _tell_written(write_drift(settings, data_models=data_models), as_json=as_json)
        return
    with open_newest(settings) as (connection, place):
        require_known(connection, rules=rules, data_models=data_models)
        lines = list_drift(connection, rules=rules, data_models=data_models, limit=limit + 1)
    lines, has_more = lines[:limit], len(lines) > limit
    if as_json:
        drifting = [asdict(line) for line in lines]
        answer = {"as_of": place, "has_more": has_more, "drift": drifting}
        click.echo(json.dumps(answer, indent=1, default=str))
        return
    console = Console(width=width())
    if lines:
        print_table(console, [asdict(line) for line in lines])
        if has_more:
            console.print(f"There are more; --limit {10 * limit} shows them.")
        _tell_next(lines)
    else:
        console.print("Everything that came is listed in the catalog.")
    if place != "warehouse":
        console.print(f"A load is writing; this is the {place}.")


def _tell_next(lines: list[DriftLine]) -> None:
    unlisted = any(line.rule == "unlisted_key" and '["*"]' not in line.path for line in lines)
    if unlisted:
        click.echo("To give the unlisted keys columns, run `redox-warehouse drift --write`.")


def _tell_written(new: NewLines, *, as_json: bool) -> None:
    if as_json:
        fields = [
            {"data_model": f.data_model, "path": f.path, "json_type": f.json_type.value}
            for f in new.fields
        ]
        click.echo(json.dumps({"fields": fields, "left_out": new.left_out}, indent=1))
        return
    for field in new.fields:
        kind = field.temporal or field.number_kind or field.item_type or ""
        click.echo(f"{field.data_model}  {field.path}  {field.json_type} {kind}".rstrip())
    for sentence in new.left_out:
        click.echo(sentence, err=True)
    if not new.fields:
        click.echo("There is nothing new to list.")
        return
    models = [f' --model "{model}"' for model in new.data_models]
    command = f"redox-warehouse reload{''.join(models) if len(models) <= MOST_MODELS else ''}"
    number = len(new.fields)
    told = f"{counted(number, 'field')} {is_or_are(number)}"
    click.echo(f"{told} listed in HOME/catalog/{new.file.name} now.")
    click.echo(f"Look at what was written, then run `{command}` to fill the columns.")
