"""`redox-warehouse quarantine`: items that are not loadable messages."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from etl.cli.clusters import cluster_of_home, cluster_options
from etl.cli.groups import NearGroup
from etl.cli.load import describe_keys
from etl.cli.opening import ID, open_loader
from etl.cli.tables import Column, escaped, is_terminal, print_table, say, wide_option
from etl.settings import Settings

STILL_QUARANTINED = 3
COLUMNS = (
    Column("quarantine_id", title="id", is_number=True),
    Column("reason"),
    Column("data_model", rank=2, title="model"),
    Column("source_id", rank=6, title="source"),
    Column("state", rank=1),
    Column("object_id", rank=4, title="object", show=lambda object_id: str(object_id)[:12]),
    Column("item", rank=3, is_number=True),
    Column("byte_offset", rank=7, title="offset", is_number=True),
    Column("byte_length", rank=2, title="bytes", is_number=True),
    Column("uri", rank=8, title="file", show=escaped, is_path=True),
    Column("quarantined_at", rank=5, show=lambda moment: f"{moment:%Y-%m-%d %H:%M}"),
)


@click.group(cls=NearGroup)
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
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True,
              help="Maximum number of lines.")  # fmt: skip
@wide_option
@click.option("--values", is_flag=True, help="Print file names in piped output and JSON too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def list_items(
    settings: Settings,
    state: str,
    reason: str,
    limit: int,
    wide: bool,
    values: bool,
    as_json: bool,
) -> None:
    """List items, newest first. Prints reasons and places, never bytes.

    Data model and source are what the item itself says, * where that does not look like a name.
    File names are shown on a terminal, escaped; because names may hold patient data, piped
    output and JSON show them only with --values.

    \b
    Example:
      redox-warehouse quarantine list --reason not_json --json
      redox-warehouse quarantine list --reason unknown_data_model
    """
    from etl.pipeline.quarantine import list_quarantined

    states = ("open", "replayed", "resolved") if state == "all" else (state,)
    with open_loader(settings) as loader:
        items = list_quarantined(loader, states=states, reason=reason, limit=limit)
        rules = loader.compiled.catalog.rules
    rows = [asdict(item) for item in items]
    if not values and (as_json or not is_terminal()):
        rows = [{name: value for name, value in row.items() if name != "uri"} for row in rows]
    if as_json:
        click.echo(json.dumps(rows, indent=1, default=str))
        return
    if not items:
        say("No such item is in quarantine.")
        return
    shown = [column for column in COLUMNS if column.name in rows[0]]
    print_table(rows, shown, wide=wide)
    for code in sorted({item.reason for item in items} & rules.keys()):
        say()
        say(f"{code}: {rules[code].meaning} {rules[code].action}")
    for sentence in describe_keys(sorted({item.unwrap for item in items} - {""})):
        say(sentence)


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
@click.option(
    "--unwrap", metavar="KEY", default="", help="Take messages out of envelopes, from under KEY."
)
@click.option(
    "--encoding", metavar="NAME", default="", help="Encoding of items that are not UTF-8."
)
@cluster_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def replay_items(
    settings: Settings,
    quarantine_ids: tuple[int, ...],
    unwrap: str,
    encoding: str,
    master: str | None,
    remote: str | None,
    confs: tuple[str, ...],
    as_json: bool,
) -> int:
    """Load open items again, all or those named.

    Run it, for example, after the catalog gained a data model or a limit was raised.

    --unwrap is for files that were loaded without it, or with another KEY; once messages of a file
    are loaded, its KEY stays. --encoding is for text that is not UTF-8, such as cp1252.

    In a lake, items are read in this process, or by a cluster if --master, --remote or
    lake.master names one.

    \b
    Examples:
      redox-warehouse quarantine replay 7 8
      redox-warehouse quarantine replay --unwrap body
    """
    from etl.lake.homes import open_home
    from etl.pipeline.quarantine import replay

    with (
        cluster_of_home(settings, master, remote, confs) as spark,
        open_home(settings, spark=spark) as loader,
    ):
        summary = replay(loader, quarantine_ids, unwrap=unwrap, encoding=encoding)
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
    """Close items that should not be loaded.

    They stay on record and in the ledger.

    \b
    Example:
      redox-warehouse quarantine resolve 7
    """
    from etl.lake.homes import open_home
    from etl.pipeline.quarantine import resolve

    with open_home(settings) as loader:
        closed = resolve(loader, quarantine_ids)
    click.echo(f"{closed} resolved")
