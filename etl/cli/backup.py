"""`redox-warehouse backup` and `redox-warehouse restore`."""

from __future__ import annotations

import json

import click

from etl.plurals import counted
from etl.settings import Settings


@click.command()
@click.argument("target", metavar="DIR|URL")
@click.option("--keep", type=click.IntRange(1), help="Number of backups to keep there [all].")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def backup(settings: Settings, target: str, keep: int | None, as_json: bool) -> None:
    """Back up the home to a folder or bucket, even while loads run.

    Writes only what is new since the last backup there. Loads wait while the warehouse file is
    copied. A backup holds patient data and the home's keys: protect it as you protect the home.

    \b
    Examples:
      redox-warehouse backup /mnt/backup/redox
      redox-warehouse backup s3://bucket/redox --keep 30
    """
    from etl.pipeline.backup.save import backup as pipeline

    summary = pipeline(settings, target, keep=keep or 0)
    if as_json:
        click.echo(json.dumps(summary.to_json(), indent=1))
        return
    click.echo(
        f"Backup {summary.name}: {counted(summary.files, 'file')}, {summary.bytes / 1e6:,.1f} MB, "
        f"of which {summary.bytes_written / 1e6:,.1f} MB were new"
    )
    if summary.is_same_disk:
        click.echo(
            "It is on the same disk as the home and would be lost with it; back up to another disk."
        )


@click.command()
@click.argument("source", metavar="DIR|URL")
@click.option("--backup", "name", default="", help="Name of the backup, from --list [newest].")
@click.option(
    "--only", multiple=True, metavar="PATH", help="Restore only this part of the home; repeatable."
)
@click.option("--list", "is_listing", is_flag=True, help="List the backups; restore nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def restore(
    settings: Settings,
    source: str,
    name: str,
    only: tuple[str, ...],
    is_listing: bool,
    as_json: bool,
) -> None:
    """Restore a backup into an empty home, or parts with --only.

    Run `redox-warehouse recover` afterwards: it loads landed objects that the warehouse does
    not have yet and brings parts of different age back in line. Messages purged after the
    backup come back: purge them again.

    \b
    Examples:
      redox-warehouse restore --list /mnt/backup/redox
      redox-warehouse --home NEW restore /mnt/backup/redox
      redox-warehouse restore /mnt/backup/redox --only warehouse.duckdb
    """
    from etl.pipeline.backup.restore import backups_in
    from etl.pipeline.backup.restore import restore as pipeline

    if is_listing:
        found = backups_in(settings, source)
        facts = [{"name": b.name, "files": len(b.files), "bytes": b.bytes} for b in found]
        if as_json:
            click.echo(json.dumps(facts, indent=1))
        for one in () if as_json else facts:
            click.echo(f"{one['name']}\t{one['files']}\t{one['bytes']}")
        return
    summary = pipeline(settings, source, name=name, only=only)
    if as_json:
        click.echo(json.dumps(summary.to_json(), indent=1))
        return
    click.echo(
        f"Restored {counted(summary.files, 'file')}, {summary.size / 1e6:,.1f} MB, of backup "
        f"{summary.name}; {_what_next(settings)}"
    )


def _what_next(settings: Settings) -> str:
    from etl.warehouse.lake import LakeFolder

    if LakeFolder(settings.home).is_there():
        return "the next `redox-warehouse load` continues from it"
    return "now run `redox-warehouse recover`"
