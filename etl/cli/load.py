"""`redox-warehouse load`: files, folders, globs and URLs into the warehouse."""

from __future__ import annotations

import json

import click

from etl.cli.progress import progress_reporter
from etl.settings import Settings

QUARANTINED = 3


@click.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--unwrap", metavar="KEY", default="", help="Messages stand in envelopes under KEY.")
@click.option("--in-place", is_flag=True, help="Keep only where the bytes are, not a copy.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_obj
def load(
    settings: Settings, paths: tuple[str, ...], unwrap: str, in_place: bool, as_json: bool
) -> int:
    """Load Redox messages from PATHS: files, folders, globs or URLs (s3://...).

    Takes one message per file, several in a row, a JSON array or NDJSON, each plain, .gz or .zst.
    What was loaded before is skipped by its content, so running it twice changes nothing.

    \b
    Examples:
      redox-warehouse load messages.ndjson.gz
      redox-warehouse load exports/2026-*/ more/*.json
      redox-warehouse load --unwrap body webhooks.jsonl
      redox-warehouse load s3://bucket/redox/2026/

    Exit code 3 says that some items were quarantined; see `redox-warehouse quarantine list`.
    """
    from etl.pipeline.load import load_paths

    with progress_reporter(quiet=as_json) as progress:
        summary = load_paths(settings, paths, unwrap=unwrap, in_place=in_place, progress=progress)
    if as_json:
        click.echo(json.dumps(summary.to_json(), indent=1))
    else:
        click.echo(
            f"received {summary.received:,} = loaded {summary.loaded:,} + duplicate "
            f"{summary.duplicate:,} + quarantined {summary.quarantined:,}   "
            f"({summary.objects:,} objects, {summary.skipped_objects:,} known and skipped)"
        )
        if summary.quarantined:
            click.echo("See `redox-warehouse quarantine list` for what could not be loaded.")
    return QUARANTINED if summary.quarantined else 0
