"""`redox-warehouse status`: what is loaded, from what, when, and what is wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import click

from etl.cli.tables import SEVERITY, Column, print_facts, print_table, say, wide_option
from etl.errors import UsageFault
from etl.plurals import counted
from etl.settings import Settings

# Sources that send no id, and those whose id may be a patient's.
UNNAMED = {"": "(none)", "*": "(odd ids)"}
DAYS = (Column("first_day", 2), Column("last_day", 1))
MESSAGES = Column("messages", is_number=True)
MODELS = (Column("data_model"), MESSAGES, *DAYS)
SOURCES = (Column("source"), Column("source_id", 3), MESSAGES, *DAYS)
FINDINGS = (SEVERITY, Column("rule"), Column("findings", is_number=True), MESSAGES)
QUARANTINE = (Column("reason"), Column("items", title="open items", is_number=True))


@click.command()
@wide_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def status(settings: Settings, wide: bool, as_json: bool) -> None:
    """Show what is loaded and what is wrong.

    Never waits for a running load: the numbers are those of the last commit.

    \b
    Examples:
      redox-warehouse status
      redox-warehouse status --json | jq .messages

    Exit code 2 means that there is no warehouse yet.
    """
    from etl.pipeline.disk_use import measure_disk_use
    from etl.pipeline.status import read_status

    found = read_status(settings.status_path)
    if found is None:
        raise UsageFault(
            f"There is no warehouse in {settings.home.absolute()}; run `redox-warehouse load PATH` "
            "to make one, or name another home with --home."
        )
    disk = measure_disk_use(settings)
    found |= {
        "home": str(settings.home.absolute()),
        "disk": {**disk.parts, "is_whole": disk.is_whole},
        "published": _published(settings),
    }
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    _print(found, wide)


def _published(settings: Settings) -> dict[str, Any] | None:
    from etl.publish.folders import PublishedFolder
    from etl.publish.manifest import MANIFEST

    folder = PublishedFolder(settings.published_path).current()
    if folder is None:
        return None
    made = datetime.fromtimestamp((folder / MANIFEST).stat().st_mtime, UTC)
    return {"version": int(folder.name), "published_at": made.isoformat()}


def _print(found: dict[str, Any], wide: bool) -> None:
    print_facts(_facts(found))
    sections: dict[str, tuple[list[dict[str, Any]], tuple[Column, ...]]] = {
        "Data models": (found["models"], MODELS),
        "Sources": ([_source(one) for one in found["sources"]], SOURCES),
        "Findings": (found["findings"], FINDINGS),
        "Quarantine": (
            [{"reason": reason, "items": n} for reason, n in found["quarantine"].items()],
            QUARANTINE,
        ),
    }
    for title, (rows, columns) in sections.items():
        if rows:
            say()
            print_table(rows, columns, title=title, wide=wide)


def _facts(found: dict[str, Any]) -> dict[str, str]:
    messages, disk, published = found["messages"], found["disk"], found["published"]
    parts = ", ".join(f"{name} {_size(disk[name])}" for name in disk if name != "is_whole")
    total = sum(size for name, size in disk.items() if name != "is_whole")
    return {
        "Home": found["home"],
        "Messages": f"received {messages['received']:,} = loaded {messages['loaded']:,} + "
        f"duplicate {messages['duplicate']:,} + quarantined {messages['quarantined']:,}"
        f"{_purged(messages)}",
        "Loads": f"{found['loads']:,} (including replays and reloads), last at "
        f"{_moment(found['last_load_at'])}; {counted(found['objects'], 'landed object')}, "
        f"{_size(found['bytes'])} received",
        "Published": f"version {published['version']}, {_moment(published['published_at'])}"
        if published
        else "nothing yet; run `redox-warehouse publish`",
        "Disk": f"{'' if disk['is_whole'] else 'at least '}{_size(total)} ({parts})",
    }


def _purged(messages: dict[str, int]) -> str:
    purged = messages.get("purged", 0)
    return f" + purged {purged:,}" if purged else ""


def _source(one: dict[str, Any]) -> dict[str, Any]:
    source_id = UNNAMED.get(one["source_id"], one["source_id"])
    return {**one, "source": one.get("source_name") or source_id, "source_id": source_id}


def _moment(text: str | None) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC" if text else "never"


def _size(size_bytes: int) -> str:
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:,.1f} {name}"
    return f"{size_bytes:,} bytes"
