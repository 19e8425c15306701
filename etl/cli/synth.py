"""`redox-warehouse synth`: write synthetic messages. What it does lives in `etl.synth`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from etl.cli.completion import EVENT, MODEL
from etl.errors import UsageFault
from etl.plurals import counted

if TYPE_CHECKING:
    from etl.synth import Dials, Written
    from etl.synth.scenarios import ScenariosWritten

EPILOG = """\b
Examples:
  redox-warehouse synth demo/messages --messages 1000
  redox-warehouse synth adt --model PatientAdmin -n 100000 --files 4 --compress zst
  redox-warehouse synth odd --faults 0.01 --truth odd-truth
  redox-warehouse synth feed --profile feed.toml --days 30 --truth feed-truth
  redox-warehouse synth dates --set shares.bad_dates=0.5 --set array_max=20
  redox-warehouse synth story --scenarios --patients 2000 --truth story-truth

\b
The same catalog, settings and seed give the same bytes. docs/synth.md lists all settings.
Exit codes: 0 written, 2 wrong call, 1 anything else.
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
    "replies": "replies",
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
# option -> setting of a run of scenarios
SCENARIO_DIALS = {
    "seed": "seed",
    "sources": "sources",
    "days": "days",
    "first_day": "first_day",
    "patients": "patients",
    "arrival": "arrival",
    "late": "late",
    "compress": "compression",
    "files": "files",
}
SCENARIO_ONLY = ("arrival", "late")
ALWAYS = ("scenarios", "truth", "as_json")
FOLDER = click.Path(path_type=Path, file_okay=False)
SHARE = click.FloatRange(0, 1)


@click.command(epilog=EPILOG)
@click.argument("out", type=FOLDER)
@click.option("--messages", "-n", type=click.IntRange(0), help="Number of messages [1000].")
@click.option("--seed", type=int, help="Random seed [1].")
@click.option(
    "--model", "models", multiple=True, type=MODEL, help="Only this data model; repeatable."
)
@click.option(
    "--event", "events", multiple=True, type=EVENT, help="Only this event type; repeatable."
)
@click.option("--sources", type=click.IntRange(1), help="Number of sources [1; 3].")
@click.option("--days", type=click.IntRange(1), help="Number of days that messages cover [1; 30].")
@click.option("--first-day", metavar="YYYY-MM-DD", help="The first day, UTC.")
@click.option(
    "--patients", type=click.IntRange(1), help="Patients per source [500], or in total [1000]."
)
@click.option(
    "--replies",
    type=click.Choice(["recorded", "documented"]),
    help="As Redox's API sends them, or as its documentation prints them [recorded].",
)
@click.option("--density", type=click.FloatRange(0), help="Factor on fill rates [1.0].")
@click.option("--test-share", type=SHARE, help="Share of messages marked as test [0].")
@click.option("--faults", type=SHARE, help="Share of messages with each kind of fault [0].")
@click.option("--duplicates", type=SHARE, help="Share of redeliveries [0].")
@click.option("--large", type=SHARE, help="Share of large messages [0].")
@click.option("--large-bytes", type=click.IntRange(1), help="Size of large messages [2000000].")
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
    help="TOML file with any of the settings; options override it.",
)
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Any other setting; repeatable."
)
@click.option(
    "--scenarios",
    is_flag=True,
    help="Write coherent histories instead of independent messages.",
)
@click.option(
    "--arrival",
    type=click.Choice(["in-order", "shuffled"]),
    help="Order of delivery, with --scenarios [in-order].",
)
@click.option("--late", type=SHARE, help="Share of messages delivered late, with --scenarios [0].")
@click.option("--truth", type=FOLDER, help="Folder for the files that state the truth.")
@click.option(
    "--catalog",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder with a site's catalog overlay.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def synth(out: Path, **options: Any) -> None:
    """Write synthetic messages to the folder OUT.

    They cover every event type, and everything in them is invented. --faults and --profile
    plant faults, and --truth lists exactly which. With --scenarios they form
    coherent histories (each visit has its patient, each result its order), and --truth writes
    the final state: patients.csv, encounters.csv, appointments.csv, lab_results.csv and others.
    Where two defaults are shown, the second one applies with
    --scenarios.
    """
    if options["scenarios"]:
        _write_scenarios(out, options)
        return
    _refuse(options, SCENARIO_ONLY, "only works with --scenarios")
    from etl.synth import write_synthetic  # costs time others need not spend
    from models.catalog import read_catalog

    dials = _dials(options)
    catalog = read_catalog(options["catalog"])
    written = write_synthetic(out, catalog=catalog, dials=dials, truth=options["truth"])
    click.echo(json.dumps(_as_dict(written)) if options["as_json"] else _tell(written))


def _write_scenarios(out: Path, options: dict[str, Any]) -> None:
    from etl.synth.profile import read_scenario_dials
    from etl.synth.scenarios import write_scenarios

    others = [name for name in options if name not in (*SCENARIO_DIALS, *ALWAYS)]
    _refuse(options, others, "does not work with --scenarios")
    given = {dial: options[name] for name, dial in SCENARIO_DIALS.items()}
    dials = read_scenario_dials(given)
    written = write_scenarios(out, dials=dials, truth=options["truth"])
    if options["as_json"]:
        click.echo(json.dumps(_as_dict(written)))
        return
    click.echo(
        f"{_tell(written)}: {counted(written.events, 'event')} and "
        f"{counted(written.replies, 'reply', 'replies')}"
    )


def _refuse(options: dict[str, Any], names: Iterable[str], reason: str) -> None:
    """Raise UsageFault for the first of these options that was given."""
    for parameter in click.get_current_context().command.params:
        if parameter.name in names and options[parameter.name] not in (None, (), False):
            raise UsageFault(f"{parameter.opts[0]} {reason}; leave one of them out.")


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


def _as_dict(written: Written | ScenariosWritten) -> dict[str, Any]:
    return {
        "messages": written.messages,
        "size_bytes": written.size_bytes,
        "files": [str(path) for path in written.files],
    }


def _tell(written: Written | ScenariosWritten) -> str:
    return (
        f"{counted(written.messages, 'message')}, {written.size_bytes / 1e6:,.1f} MB before compression, "
        f"in {counted(len(written.files), 'file')}"
    )
