"""`redox-warehouse load`: files, folders, globs and URLs into the warehouse."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from etl.cli.progress import progress_reporter
from etl.plurals import counted
from etl.settings import Settings

if TYPE_CHECKING:
    from etl.pipeline.batches import Refusal
    from etl.pipeline.records import LoadSummary

REFUSED = 1
QUARANTINED = 3
MOST_REASONS = 20


@click.command()
@click.argument("paths", nargs=-1, required=True)
@click.option("--unwrap", metavar="KEY", default="", help="Messages are in envelopes, under KEY.")
@click.option("--in-place", is_flag=True, help="Keep only where the bytes are, not a copy.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_obj
def load(
    settings: Settings, paths: tuple[str, ...], unwrap: str, in_place: bool, as_json: bool
) -> int:
    """Load messages from files, folders, globs or URLs.

    PATHS may mix them all (s3://... too). A file holds one message, several in a row, a JSON array
    or NDJSON, plain, .gz or .zst. What was loaded before is recognized by its content and skipped,
    so running it twice changes nothing.

    \b
    Examples:
      redox-warehouse load messages.ndjson.gz
      redox-warehouse load exports/2026-*/ more/*.json
      redox-warehouse load --unwrap body webhooks.jsonl
      redox-warehouse load s3://bucket/redox/2026/

    Exit code 3 means that some items were quarantined; see `redox-warehouse quarantine list`. Exit
    code 1 means that a file is damaged or cannot be read; it was left out, the others are loaded.
    """
    from etl.pipeline.batches import load_batch
    from etl.pipeline.sources import Sources

    sources = Sources(settings.buckets).list(paths)
    with progress_reporter(quiet=as_json) as progress:
        batch = load_batch(settings, sources, progress, unwrap=unwrap, in_place=in_place)
    if as_json:
        refused = [asdict(one) for one in batch.refused]
        click.echo(json.dumps(batch.loaded.to_json() | {"refused": refused}, indent=1))
    else:
        _tell(batch.loaded)
        if unwrap and batch.loaded.skipped_objects:
            _tell_misread(settings, unwrap)
    _tell_refused(batch.refused, settings)
    if batch.refused:
        return REFUSED
    return QUARANTINED if batch.loaded.quarantined else 0


def _tell(summary: LoadSummary) -> None:
    click.echo(
        f"received {summary.received:,} = loaded {summary.loaded:,} + duplicate "
        f"{summary.duplicate:,} + quarantined {summary.quarantined:,}   "
        f"({counted(summary.objects, 'object')}, {summary.skipped_objects:,} known and skipped)"
    )
    if summary.quarantined:
        click.echo("See `redox-warehouse quarantine list` for what could not be loaded.")


def _tell_misread(settings: Settings, unwrap: str) -> None:
    """Known objects are skipped, those too that were loaded without the key at first."""
    from etl.pipeline.quarantine import count_misread

    count = count_misread(settings, unwrap)
    if count:
        click.echo(
            f"Loaded without this envelope key and in quarantine: {counted(count, 'object')}; "
            f"`redox-warehouse quarantine replay --unwrap {unwrap}` tries again with it."
        )


def _tell_refused(refused: Sequence[Refusal], settings: Settings) -> None:
    """Each reason, and where the names stand, which may be patients' and are not printed."""
    for one in refused[:MOST_REASONS]:
        click.echo(f"Left out: {one.reason}", err=True)
    if refused:
        click.echo(
            f"{len(refused):,} left out in all; their names: "
            f"select uri from '{settings.seen_path}' where object_id = ''",
            err=True,
        )
