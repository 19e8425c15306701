"""`redox-warehouse synth`: write synthetic messages. What it does lives in `etl.synth`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl.plurals import counted

if TYPE_CHECKING:
    from etl.synth import Dials, Written

EPILOG = """\b
Examples:
  redox-warehouse synth demo/messages --messages 1000
  redox-warehouse synth adt --model PatientAdmin -n 100000 --files 4 --compress zst
  redox-warehouse synth odd --faults 0.01 --truth odd-truth
  redox-warehouse synth feed --profile feed.toml --days 30 --truth feed-truth
  redox-warehouse synth dates --set shares.bad_dates=0.5 --set array_max=20

\b
The same catalog, dials and seed give the same bytes. docs/synth.md lists all dials.
Exit codes: 0 written, 2 wrong call, 1 else.
"""
# option -> dial; an option that is not given leaves the dial as it is
DIALS = {
    "messages": "messages",
    "seed": "seed",
    "models": "data_models",
    "events": "event_types",
    "days": "days",
    "first_day": "first_day",
    "patients": "patients",
    "density": "density",
    "test_share": "test_share",
    "duplicates": "shares.duplicates",
    "large": "shares.large",
    "large_bytes": "large_bytes",
    "format_": "output.format",
    "compress": "output.compression",
    "files": "output.files",
    "envelope": "output.envelope",
}
FOLDER = click.Path(path_type=Path, file_okay=False)
SHARE = click.FloatRange(0, 1)


@click.command(epilog=EPILOG)
@click.argument("out", type=FOLDER)
@click.option("--messages", "-n", type=click.IntRange(0), help="How many messages [1000].")
@click.option("--seed", type=int, help="Another seed gives other messages [1].")
@click.option("--model", "models", multiple=True, help="Only this data model; repeatable.")
@click.option("--event", "events", multiple=True, help="Only this event type; repeatable.")
@click.option("--sources", type=click.IntRange(1), help="Number of sending sources [1].")
@click.option("--days", type=click.IntRange(1), help="Days over which messages spread [1].")
@click.option("--first-day", metavar="YYYY-MM-DD", help="The first day, UTC.")
@click.option("--patients", type=click.IntRange(1), help="Patients of each source [500].")
@click.option("--density", type=click.FloatRange(0), help="How full fields are [1.0].")
@click.option("--test-share", type=SHARE, help="Share of messages marked as test [0].")
@click.option("--faults", type=SHARE, help="Share of each kind of fault [0].")
@click.option("--duplicates", type=SHARE, help="Share of redeliveries [0].")
@click.option("--large", type=SHARE, help="Share of large messages [0].")
@click.option("--large-bytes", type=click.IntRange(1), help="Their size [2000000].")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["ndjson", "array", "pretty", "single"]),
    help="single: one pretty-printed message per file [ndjson].",
)
@click.option("--compress", type=click.Choice(["gz", "zst"]), help="Compress the files.")
@click.option("--files", type=click.IntRange(1), help="Number of files [1].")
@click.option("--envelope", metavar="KEY", help="Wrap each message in a row under this key.")
@click.option(
    "--profile",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="TOML file with any of the dials; options win.",
)
@click.option("--set", "settings", multiple=True, metavar="DIAL=VALUE", help="Any other dial.")
@click.option("--truth", type=FOLDER, help="Folder for the truth of what was written.")
@click.option(
    "--catalog",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with a site's catalog overlay.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def synth(out: Path, **options: Any) -> None:
    """Write synthetic messages of every event type into the folder OUT.

    Everything in them is invented. With faults or a profile they carry planted oddities, and
    --truth tells exactly which.
    """
    from etl.synth import write_synthetic  # costs time others need not spend
    from models.catalog import read_catalog

    dials = _dials(options)
    catalog = read_catalog(options["catalog"])
    written = write_synthetic(out, catalog=catalog, dials=dials, truth=options["truth"])
    click.echo(json.dumps(_as_dict(written)) if options["as_json"] else _tell(written))


def _dials(options: dict[str, Any]) -> Dials:
    from etl.synth.dials import FAULTS
    from etl.synth.profile import read_dials

    given = {dial: options[name] for name, dial in DIALS.items() if options[name] not in (None, ())}
    if options["faults"] is not None:
        given |= {f"shares.{name}": options["faults"] for name in FAULTS}
    if options["sources"] is not None:
        names = range(1, options["sources"] + 1)
        given["sources"] = [{"name": f"Synthetic EHR {number}"} for number in names]
    return read_dials(options["profile"], options=given, settings=options["settings"])


def _as_dict(written: Written) -> dict[str, Any]:
    return {
        "messages": written.messages,
        "size_bytes": written.size_bytes,
        "files": [str(path) for path in written.files],
    }


def _tell(written: Written) -> str:
    return (
        f"{counted(written.messages, 'message')}, {written.size_bytes / 1e6:,.1f} MB before compression, "
        f"in {counted(len(written.files), 'file')}"
    )
