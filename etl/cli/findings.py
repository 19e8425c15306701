"""`redox-warehouse findings`: what is wrong with the data, where, and in which messages."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from etl.answers.findings import (
    DEFAULT_GROUPS,
    GROUPS,
    SEVERITIES,
    Chosen,
    FindingGroup,
    FindingPlace,
    count_findings,
    count_open_quarantine,
    explain_rules,
    find_places,
    find_values,
)
from etl.answers.newest import open_newest
from etl.cli.tables import print_table, width
from etl.errors import UsageFault
from etl.plurals import counted, is_or_are
from etl.settings import Settings

DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--severity", type=click.Choice([*SEVERITIES, "all"]), multiple=True,
              help="Default: error and warning.")  # fmt: skip
@click.option("--rule", "rules", multiple=True, help="Only this rule; repeatable.")
@click.option("--model", "data_models", multiple=True, help="Data model, as in Meta.DataModel.")
@click.option("--event", "event_types", multiple=True, help="Event type.")
@click.option("--source", "sources", multiple=True, help="Meta.Source.ID.")
@click.option("--path", default="", help="This path and all below it.")
@click.option("--since", type=DAY, help="First day of the messages, UTC.")
@click.option("--until", type=DAY, help="Day after the last, UTC.")
@click.option("--by", type=click.Choice(list(GROUPS)), multiple=True,
              help="Count by this; repeatable. Default: rule, model, path.")  # fmt: skip
@click.option("--messages", is_flag=True, help="List the findings one by one, with message ids.")
@click.option("--values", is_flag=True, help="List received values; on a terminal only.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def findings(
    settings: Settings,
    /,
    by: tuple[str, ...],
    messages: bool,
    values: bool,
    limit: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Tell what is wrong with the data: which rule, where, how often, since when.

    Prints no values. To get back to a payload take a message id of --messages and run
    `redox-warehouse show ID`.

    \b
    Examples:
      redox-warehouse findings
      redox-warehouse findings --by source --by rule --since 2026-03-01
      redox-warehouse findings --rule time_impossible --messages
      redox-warehouse findings --path Patient.Demographics --values
      redox-warehouse findings --json | jq '.findings[0]'
    """
    chosen = _chosen(**options)
    if sum((bool(by), messages, values)) > 1:
        raise UsageFault("Each of --by, --messages and --values is a list of its own; give one.")
    if values and not sys.stdout.isatty():
        raise UsageFault("Values are printed to a terminal only; leave out --values here.")
    with open_newest(settings) as (connection, place):
        chosen.refuse_unknown(connection)
        if values:
            found: list[Any] = list(find_values(connection, chosen, limit=limit + 1))
        elif messages:
            found = list(find_places(connection, chosen, limit=limit + 1))
        else:
            groups = by or DEFAULT_GROUPS
            found = list(count_findings(connection, chosen, by=groups, limit=limit + 1))
        meanings = explain_rules(connection)
        quarantined = count_open_quarantine(connection)
    found, has_more = found[:limit], len(found) > limit
    if as_json:
        answer = _answer(found, place, settings)
        answer |= {"has_more": has_more, "open_quarantine": quarantined}
        click.echo(json.dumps(answer, indent=1, default=str))
        return
    console = Console(width=width())
    if not found:
        console.print("Nothing was found.")
    elif messages or values:
        print_table(console, [asdict(one) for one in found])
    else:
        print_table(console, [_row(one) for one in found])
        _explain(console, found, meanings)
    if has_more:
        console.print(f"There are more; --limit {10 * limit} shows them.")
    if quarantined:
        told = f"{counted(quarantined, 'item')} {is_or_are(quarantined)}"
        console.print(f"{told} in quarantine; see `redox-warehouse quarantine list`.")
    _tell_where(console, place, settings)


def _chosen(
    severity: tuple[str, ...], since: datetime | None, until: datetime | None, **options: Any
) -> Chosen:
    if since and until and until <= since:
        raise UsageFault("No day lies from --since to before --until; give them in order.")
    severities = SEVERITIES if "all" in severity else severity or ("error", "warning")
    return Chosen(severities=severities, since=_day(since), until=_day(until), **options)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _row(group: FindingGroup) -> dict[str, Any]:
    row: dict[str, Any] = {"severity": group.severity, **group.keys, "findings": group.findings}
    if group.messages is not None:
        row["messages"] = group.messages
    return {**row, "first day": group.first_day, "last day": group.last_day}


def _explain(
    console: Console, found: list[FindingGroup], meanings: dict[str, tuple[str, str]]
) -> None:
    table = Table("rule", "what it means", "what to do", box=None, padding=(0, 2, 0, 0))
    for rule in dict.fromkeys(group.keys.get("rule", "") for group in found):
        if rule in meanings:
            table.add_row(rule, *meanings[rule])
    if table.row_count:
        console.print(table)


def _tell_where(console: Console, place: str, settings: Settings) -> None:
    if place != "warehouse":
        console.print(f"A load is writing; this is the {place}.")
    policies = settings.values
    nulled = [name for name, policy in {**policies.sets, **policies.fields}.items()
              if policy == "null"]  # fmt: skip
    if policies.policy == "null":
        nulled = ["every closed set but those named otherwise"]
    if nulled:
        console.print(f"By configuration values outside are stored as null in: {', '.join(nulled)}")


def _answer(found: list[Any], place: str, settings: Settings) -> dict[str, Any]:
    lines = [_line(one) for one in found]
    return {"as_of": place, "value_policies": settings.values.model_dump(), "findings": lines}


def _line(one: FindingGroup | FindingPlace | Any) -> dict[str, Any]:
    if isinstance(one, FindingGroup):
        return {key.replace(" ", "_"): value for key, value in _row(one).items()}
    return asdict(one)
