"""`redox-warehouse quarantine`: items that are no loadable message."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from etl.cli.opening import ID, open_loader
from etl.cli.tables import width
from etl.settings import Settings

STILL_QUARANTINED = 3


@click.group()
def quarantine() -> None:
    """List, show, replay or resolve what could not be loaded.

    \b
    Examples:
      redox-warehouse quarantine list
      redox-warehouse quarantine show 7
      redox-warehouse quarantine replay
      redox-warehouse quarantine resolve 7 8
    """


@quarantine.command("list")
@click.option("--state", type=click.Choice(["open", "replayed", "resolved", "all"]), default="open")
@click.option("--reason", default="", help="Only this reason.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_items(settings: Settings, state: str, reason: str, limit: int, as_json: bool) -> None:
    """List items, newest first. Prints reasons and places, never bytes.

    \b
    Example:
      redox-warehouse quarantine list --reason not_json --json
    """
    from etl.pipeline.quarantine import list_quarantined

    states = ("open", "replayed", "resolved") if state == "all" else (state,)
    with open_loader(settings) as loader:
        items = list_quarantined(loader, states=states, reason=reason, limit=limit)
        rules = loader.worker.catalog.rules
    if as_json:
        click.echo(json.dumps([asdict(item) for item in items], indent=1, default=str))
        return
    if not items:
        click.echo("No such item is in quarantine.")
        return
    table = Table("id", "reason", "state", "object", "item", "bytes", "quarantined at")
    for item in items:
        table.add_row(
            str(item.quarantine_id), item.reason, item.state, item.object_id[:12], str(item.item),
            f"{item.byte_length:,}", f"{item.quarantined_at:%Y-%m-%d %H:%M}",
        )  # fmt: skip
    Console(width=width()).print(table)
    for code in sorted({item.reason for item in items} & rules.keys()):
        click.echo(f"{code}: {rules[code].meaning} {rules[code].action}")


@quarantine.command("show")
@click.argument("quarantine_id", type=ID)
@click.pass_obj
def show_item(settings: Settings, quarantine_id: int) -> None:
    """Print the bytes of one item exactly as received.

    \b
    Example:
      redox-warehouse quarantine show 7 | head -c 400
    """
    from etl.pipeline.quarantine import quarantined_bytes

    with open_loader(settings) as loader:
        raw = quarantined_bytes(loader, quarantine_id)
    with click.open_file("-", "wb") as out:
        out.write(raw)


@quarantine.command("replay")
@click.argument("quarantine_ids", type=ID, nargs=-1)
@click.option("--unwrap", metavar="KEY", default="", help="They stand in envelopes under KEY.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def replay_items(
    settings: Settings, quarantine_ids: tuple[int, ...], unwrap: str, as_json: bool
) -> int:
    """Try open items again, all or those named, for instance after the catalog has learned.

    --unwrap is for files that were loaded without it, or with another KEY; where messages of a file
    are loaded already, its KEY stays.

    \b
    Examples:
      redox-warehouse quarantine replay 7 8
      redox-warehouse quarantine replay --unwrap body
    """
    from etl.pipeline.quarantine import replay

    with open_loader(settings) as loader:
        summary = replay(loader, quarantine_ids, unwrap=unwrap)
    if as_json:
        click.echo(json.dumps(summary.to_json(), indent=1))
    else:
        click.echo(
            f"replayed {summary.replayed:,} = loaded {summary.loaded:,} + duplicate "
            f"{summary.duplicate:,} + still quarantined {summary.quarantined:,}"
        )
    return STILL_QUARANTINED if summary.quarantined else 0


@quarantine.command("resolve")
@click.argument("quarantine_ids", type=ID, nargs=-1, required=True)
@click.pass_obj
def resolve_items(settings: Settings, quarantine_ids: tuple[int, ...]) -> None:
    """Close items as not to be loaded; they stay on record and in the ledger.

    \b
    Example:
      redox-warehouse quarantine resolve 7
    """
    from etl.pipeline.quarantine import resolve

    with open_loader(settings) as loader:
        closed = resolve(loader, quarantine_ids)
    click.echo(f"{closed} resolved")
