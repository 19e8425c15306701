"""`redox-warehouse findings`: what is wrong with the data, where, and in which messages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any

import click
from duckdb import DuckDBPyConnection

from etl.cli.completion import EVENT, FIELD_PATH, MODEL, RULE
from etl.cli.tables import SEVERITY, Column, is_terminal, print_table, say, styled, wide_option
from etl.errors import UsageFault
from etl.plurals import counted, is_or_are
from etl.queries.findings import (
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
from etl.queries.reading import open_newest
from etl.report.source_names import read_source_names
from etl.settings import Settings

COUNTS = (
    Column("findings", is_number=True),
    Column("messages", rank=1, is_number=True),
    Column("first day", rank=3),
    Column("last day", rank=2),
)
PLACES = (
    Column("message_id", is_number=True),
    SEVERITY,
    Column("rule"),
    Column("path", is_path=True),
    Column("ordinals", rank=1),
    Column("day", rank=3),
    Column("data_model", rank=4),
    Column("suggestion", rank=5),
    Column("event_type", rank=6),
    Column("source", rank=7),
    Column("source_id", rank=8),
    Column("value_set", rank=9),
    Column("link", rank=9),
    Column("load_id", rank=10, is_number=True),
)
VALUES = (
    Column("rule", rank=1),
    Column("data_model", rank=3),
    Column("path", is_path=True),
    Column("received", is_text=True),
    Column("suggestion", rank=2),
    Column("findings", is_number=True),
)
DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--severity", type=click.Choice([*SEVERITIES, "all"]), multiple=True,
              help="Default: error and warning.")  # fmt: skip
@click.option("--rule", "rules", multiple=True, type=RULE, help="Only this rule; repeatable.")
@click.option(
    "--model", "data_models", multiple=True, type=MODEL, help="Data model, as in Meta.DataModel."
)
@click.option("--event", "event_types", multiple=True, type=EVENT, help="Event type.")
@click.option("--source", "sources", multiple=True, help="Meta.Source.ID or name.")
@click.option("--path", default="", type=FIELD_PATH, help="Only this path and everything below it.")
@click.option("--since", type=DAY, help="First day, by date of the message, UTC.")
@click.option("--until", type=DAY, help="The day after the last day, UTC.")
@click.option("--by", type=click.Choice(list(GROUPS)), multiple=True,
              help="Group counts by this; repeatable. Default: rule, model, path.")  # fmt: skip
@click.option("--messages", is_flag=True, help="List the findings one by one, with message ids.")
@click.option("--values", is_flag=True, help="List received values; on a terminal only.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True,
              help="Maximum number of lines.")  # fmt: skip
@wide_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def findings(
    settings: Settings,
    /,
    by: tuple[str, ...],
    messages: bool,
    values: bool,
    limit: int,
    wide: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Show what is wrong with the data, by rule and field.

    Counts findings and messages, with their first and last day; prints no values. To see a
    payload, take a message id from --messages and run `redox-warehouse show ID`.

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
        raise UsageFault("--by, --messages and --values cannot be combined; give one of them.")
    if values and not is_terminal():
        raise UsageFault("Values are printed to a terminal only; leave out --values here.")
    groups = tuple(dict.fromkeys(by)) or DEFAULT_GROUPS
    with open_newest(settings) as (connection, place):
        names = read_source_names(connection) if messages or "source" in groups else {}
        chosen = _by_source_id(chosen, connection)
        chosen.refuse_unknown(connection)
        if values:
            found: list[Any] = list(find_values(connection, chosen, limit=limit + 1))
        elif messages:
            found = list(find_places(connection, chosen, limit=limit + 1))
        else:
            found = list(count_findings(connection, chosen, by=groups, limit=limit + 1))
        meanings = explain_rules(connection)
        quarantined = count_open_quarantine(connection)
    found, has_more = found[:limit], len(found) > limit
    if as_json:
        answer = _answer(found, place, settings, names)
        answer |= {"has_more": has_more, "open_quarantine": quarantined}
        click.echo(json.dumps(answer, indent=1, default=str))
        return
    rows = [_line(one, names) for one in found]
    if not found:
        say("Nothing was found.")
    elif messages or values:
        print_table(rows, PLACES if messages else VALUES, wide=wide)
    else:
        print_table(rows, _columns(groups), wide=wide)
        _explain(found, meanings)
    _say_more(place, settings, more_limit=10 * limit if has_more else 0, quarantined=quarantined)


def _by_source_id(chosen: Chosen, connection: DuckDBPyConnection) -> Chosen:
    """The same choice with source ids where sources are given by name."""
    if not chosen.sources:
        return chosen
    ids: dict[str, list[str]] = {}
    for source_id, name in read_source_names(connection).items():
        ids.setdefault(name, []).append(source_id)
    sources = [source_id for name in chosen.sources for source_id in ids.get(name, [name])]
    return replace(chosen, sources=tuple(sources))


def _columns(groups: Sequence[str]) -> list[Column]:
    """The columns of counted findings; what they are counted by stays longest."""
    named = {
        "source": [Column("source"), Column("source_id", rank=4)],
        "path": [Column("path", is_path=True)],
    }
    keys = [column for group in groups for column in named.get(group, [Column(group)])]
    return [SEVERITY, *keys, *COUNTS]


def _chosen(
    severity: tuple[str, ...], since: datetime | None, until: datetime | None, **options: Any
) -> Chosen:
    if since and until and until <= since:
        raise UsageFault("There are no days from --since to --until; give them in order.")
    severities = SEVERITIES if "all" in severity else severity or ("error", "warning")
    return Chosen(severities=severities, since=_day(since), until=_day(until), **options)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _row(group: FindingGroup) -> dict[str, Any]:
    row: dict[str, Any] = {"severity": group.severity, **group.keys, "findings": group.findings}
    if group.messages is not None:
        row["messages"] = group.messages
    return {**row, "first day": group.first_day, "last day": group.last_day}


def _explain(found: list[FindingGroup], meanings: dict[str, tuple[str, str]]) -> None:
    for rule in dict.fromkeys(group.keys.get("rule", "") for group in found):
        if rule in meanings:
            meaning, action = meanings[rule]
            say()
            say(styled(rule, bold=True))
            say(f"{meaning} {action}", indent="  ")


def _say_more(place: str, settings: Settings, *, more_limit: int, quarantined: int) -> None:
    say()
    if more_limit:
        say(f"There are more; --limit {more_limit} shows them.")
    if quarantined:
        shown = f"{counted(quarantined, 'item')} {is_or_are(quarantined)}"
        say(f"{shown} in quarantine; see `redox-warehouse quarantine list`.")
    if place != "warehouse":
        say(f"A load is writing; this is the {place}.")
    policies = settings.values
    nulled = [name for name, policy in {**policies.sets, **policies.fields}.items()
              if policy == "null"]  # fmt: skip
    if policies.policy == "null":
        nulled = ["every closed set but those named otherwise"]
    if nulled:
        say(
            f"By configuration, values outside their set are stored as null in: {', '.join(nulled)}"
        )


def _answer(
    found: list[Any], place: str, settings: Settings, names: Mapping[str, str]
) -> dict[str, Any]:
    lines = [_line(one, names) for one in found]
    lines = [{key.replace(" ", "_"): value for key, value in line.items()} for line in lines]
    return {"as_of": place, "value_policies": settings.values.model_dump(), "findings": lines}


def _line(one: FindingGroup | FindingPlace | Any, names: Mapping[str, str]) -> dict[str, Any]:
    line = _row(one) if isinstance(one, FindingGroup) else asdict(one)
    source_id = line.get("source", line.get("source_id"))
    if source_id is None:
        return line
    return {**line, "source": names.get(source_id) or source_id, "source_id": source_id}
