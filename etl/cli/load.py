"""`redox-warehouse load`: files, folders, globs and URLs into the warehouse."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from shlex import quote
from typing import TYPE_CHECKING

import click

from etl.cli.progress import progress_reporter
from etl.cli.recipes import recipe_options, recipe_text
from etl.cli.tables import escaped
from etl.plurals import counted
from etl.settings import Settings

if TYPE_CHECKING:
    from etl.pipeline.batches import Refusal
    from etl.pipeline.records import LoadSummary
    from etl.pipeline.sources import LeftOut, Reason

REFUSED = 1
QUARANTINED = 3
MOST_REASONS = 20
STANDARD_INPUT = "/dev/stdin"
IN_PROCESS = (
    "This home is a lake: this process loads it alone, one task at a time; `redox-warehouse "
    "spark-load` spreads a load over a cluster."
)


@click.command()
@click.argument("paths", nargs=-1)
@recipe_options
@click.option("--in-place", is_flag=True, help="Keep no copy of the bytes, only their location.")
@click.option(
    "--all", "take_all", is_flag=True, help="Also load files that are left out by their kind."
)
@click.option(
    "--values", is_flag=True, help="Print names of left-out files; may hold patient data."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_obj
def load(
    settings: Settings,
    paths: tuple[str, ...],
    unwrap: str,
    encoding: str,
    column: str,
    received_at: str,
    in_place: bool,
    take_all: bool,
    values: bool,
    as_json: bool,
) -> int:
    """Load messages from files, folders, globs or URLs.

    PATHS may mix all of these (and s3://...). A file holds one message, several in a row, a
    JSON array or NDJSON, plain, .gz or .zst. Anything loaded before is recognized by its
    content and skipped, so running it twice changes nothing. Hidden and unfinished files in a
    folder, and files that cannot hold messages (images, PDF, XML, ...), are left out and
    counted; --all loads such files too.

    For a table, exported as CSV with a header or as Parquet, --column names the column that
    holds the messages. Without it such a file is recognized and the command to run is printed.

    Text is UTF-8, or UTF-16 or UTF-32 with a byte order mark; --encoding names any other
    encoding (cp1252, latin-1).

    A lake is loaded by this process alone; `spark-load` spreads the same load over a cluster.

    Without PATHS it loads what is waiting in the home (from the receiver and from pulls) and in
    the watched paths; - is standard input.

    \b
    Examples:
      redox-warehouse load
      zcat old.ndjson.Z | redox-warehouse load -
      redox-warehouse load messages.ndjson.gz
      redox-warehouse load exports/2026-*/ more/*.json
      redox-warehouse load --unwrap body webhooks.jsonl
      redox-warehouse load --column payload --received-at created_at export.csv
      redox-warehouse load s3://bucket/redox/2026/

    --unwrap takes messages out of envelopes: a dot goes one level deeper, [] takes each element
    of an array ('Messages[].Body', 'Records[].Sns.Message'); JSON text and base64 are decoded.

    Exit code 3 means that some items were quarantined; see `redox-warehouse quarantine list`.
    Exit code 1 means that a file is damaged or cannot be read: it was left out or loaded as far
    as possible, and all other files were loaded.
    """
    from etl.lake.homes import is_lake, open_home
    from etl.pipeline.batches import load_batch
    from etl.pipeline.sources import Sources

    sources = Sources(settings.buckets, home=settings.home)
    recipe = recipe_text(unwrap, encoding, column, received_at)
    if is_lake(settings) and not as_json:
        click.echo(IN_PROCESS, err=True)
    with progress_reporter(quiet=as_json) as progress:
        opened = partial(open_home, settings, progress)
        if paths:
            given = [STANDARD_INPUT if path == "-" else path for path in paths]
            listed = sources.list(given, take_all=take_all)
            batch = load_batch(
                settings, listed, progress, unwrap=recipe, in_place=in_place, opened=opened
            )
        else:
            from etl.pipeline.watch import load_waiting

            _refuse_options(bool(recipe), in_place, take_all)
            batch = load_waiting(settings, datetime.now(UTC), progress, opened=opened)
    names = LeftOutNames(sources.left_out, are_shown=values or sys.stderr.isatty())
    if as_json:
        refused = [asdict(one) for one in batch.refused]
        facts = {
            "refused": refused,
            "left_out": names.counts(),
            "left_out_entries": names.entries(),
            "unwrap": list(batch.misread.keys),
            "unsettled": batch.unsettled,
        }
        click.echo(json.dumps(batch.loaded.to_json() | facts, indent=1))
    else:
        _tell(batch.loaded)
        if unwrap and batch.loaded.skipped_objects:
            _report_misread(settings, recipe, unwrap, batch.skipped_ids)
        for sentence in describe_keys(key for key in batch.misread.keys if key != unwrap):
            click.echo(sentence)
        if batch.unsettled:
            click.echo(
                f"{counted(batch.unsettled, 'file')} changed in the last {settings.watch.settle_s:g} "
                "seconds and may still be written; run `redox-warehouse load` again to load them."
            )
    names.report()
    report_refused(batch.refused)
    if batch.refused or names.has_trouble():
        return REFUSED
    has_nothing = not batch.loaded.loaded and batch.misread.skipped_objects
    return QUARANTINED if batch.loaded.quarantined or has_nothing else 0


def _refuse_options(has_recipe: bool, in_place: bool, take_all: bool) -> None:
    """What waits is loaded as the sensor would."""
    if has_recipe or in_place or take_all:
        raise click.UsageError(
            "--unwrap, --encoding, --column, --in-place and --all need PATHS; add them."
        )


class LeftOutNames:
    """What was left out below the paths; names, which may be patients', only when they may show."""

    def __init__(self, left_out: Sequence[LeftOut], *, are_shown: bool) -> None:
        self._left_out = left_out
        self._are_shown = are_shown

    def counts(self) -> dict[str, int]:
        """How many were left out, by reason."""
        return dict(Counter(str(one.reason) for one in self._left_out))

    def entries(self) -> list[dict[str, str]]:
        """Those that someone should look at."""
        return [self._entry(one) for one in self._left_out if one.reason in _trouble()]

    def has_trouble(self) -> bool:
        return any(one.reason in _trouble() for one in self._left_out)

    def report(self) -> None:
        """Print the entries that cannot be read, and the counts of all."""
        for entry in self.entries()[:MOST_REASONS]:
            click.echo(f"Left out: {' '.join(entry.values())}", err=True)
        if self._left_out:
            counts = "; ".join(f"{reason}: {count:,}" for reason, count in self.counts().items())
            click.echo(f"Left out below the paths: {counts}.", err=True)

    def _entry(self, one: LeftOut) -> dict[str, str]:
        from etl.pipeline.sources import label_of

        name = escaped(one.uri) if self._are_shown else label_of(one.uri)
        return {"source": name, "reason": str(one.reason)}


def _trouble() -> frozenset[Reason]:
    from etl.pipeline.sources import TROUBLE

    return TROUBLE


def summary_line(summary: LoadSummary) -> str:
    """The counts of a load, which add up."""
    return (
        f"received {summary.received:,} = loaded {summary.loaded:,} + duplicate "
        f"{summary.duplicate:,} + quarantined {summary.quarantined:,}"
        f"{f' + purged {summary.purged:,}' if summary.purged else ''}   "
        f"({counted(summary.objects, 'object')}, {summary.skipped_objects:,} known and skipped)"
    )


def _tell(summary: LoadSummary) -> None:
    click.echo(summary_line(summary))
    if summary.purged:
        click.echo(
            "Purged messages were delivered again; they were refused and their bytes overwritten."
        )
    if summary.quarantined:
        click.echo("See `redox-warehouse quarantine list` for what could not be loaded.")


def describe_keys(keys: Iterable[str]) -> Iterator[str]:
    """How to load what is in envelopes, one sentence for each key."""
    for key in keys:
        each = f"load --unwrap {quote(key)} PATH"
        one = f"quarantine replay --unwrap {quote(key)}"
        command = each if "[]" in key else one
        yield f"Items hold messages under the key {key}; `redox-warehouse {command}` loads them."


def _report_misread(
    settings: Settings, recipe: str, unwrap: str, skipped_ids: Sequence[str]
) -> None:
    """Known objects are skipped, even if they were loaded without the key at first."""
    from etl.pipeline.misread import count_misread

    count = count_misread(settings, recipe, skipped_ids)
    if count:
        was = "was" if count == 1 else "were"
        click.echo(
            f"{counted(count, 'object')} in quarantine {was} loaded without this envelope key; "
            f"`redox-warehouse quarantine replay --unwrap {quote(unwrap)}` tries again with it."
        )


def report_refused(refused: Sequence[Refusal]) -> None:
    """Print each reason, and where the names are, which may be patients' and are not printed."""
    for one in refused[:MOST_REASONS]:
        click.echo(f"Left out: {one.reason}", err=True)
    if refused:
        click.echo(
            f"{counted(len(refused), 'source')} left out in all; "
            "`redox-warehouse source ID` prints the file that an id stands for.",
            err=True,
        )
