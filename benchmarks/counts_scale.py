"""Time the views of population and reliability over the counts of ten million messages.

    python -m benchmarks.counts_scale [--messages 10000000] [--days 360] [--sources 5]

A few thousand synthetic messages are loaded; their counts are repeated over days and sources and
multiplied until they stand for as many messages as wanted. Rows of data models there are few: only
counts are read by what is timed, each in a process of its own or by one query.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb

from benchmarks.workloads import CLI

BASE_MESSAGES, BASE_DAYS = 12_000, 30
VIEWS = ("field_population", "field_verdict", "field_organization_rate", "field_drift",
         "source_silence", "field_day")  # fmt: skip
ONE_FIELD = """quality.field_day
where path = 'Patient.Demographics.Sex' and data_model = 'PatientAdmin'
and source_id = (select min(source_id) from quality.message_count)"""
COMMANDS = {
    "reliability": ("reliability", "--limit", "5"),
    "reliability --json": ("reliability", "--json"),
    "reliability --report": ("reliability", "--report", "report.html"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=360)
    parser.add_argument("--sources", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        home = Path(folder) / "home"
        load_base(Path(folder), home)
        multiply_counts(home, given)
        run("--home", str(home), "publish", folder=folder)
        print_table(timings(home, folder))


def load_base(folder: Path, home: Path) -> None:
    """Load what the counts are multiplied from."""
    options = ["--messages", str(BASE_MESSAGES), "--days", str(BASE_DAYS)]
    run("synth", "messages", *options, folder=str(folder))
    run("--home", str(home), "load", "messages", folder=str(folder))


def multiply_counts(home: Path, given: argparse.Namespace) -> None:
    """Repeat the counts for other days and sources, and make each stand for more messages."""
    blocks = given.days // BASE_DAYS
    factor = max(given.messages // (BASE_MESSAGES * blocks * given.sources), 1)
    counts = {
        "quality.message_count": f"messages * {factor} as messages",
        "quality.path_count": f"path, messages * {factor} as messages, elements * {factor} as elements",
    }
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        for table, columns in counts.items():
            connection.execute(f"create or replace temp table base as from {table}")
            connection.execute(f"delete from {table}")
            connection.execute(
                f"""
                insert into {table} by name
                select
                    slice, facility_code, data_model, event_type, is_test, {columns},
                    day - to_days(({BASE_DAYS} * block)::integer) as day,
                    source_id || '-' || sender as source_id
                from base, range({blocks}) blocks(block), range({given.sources}) senders(sender)
                """
            )
        total, groups = connection.execute(
            "select sum(messages), count(*) from quality.message_count"
        ).fetchall()[0]
        (paths,) = connection.execute("select count(*) from quality.path_count").fetchall()[0]
    print(f"{total:,} messages in {groups:,} groups, {paths:,} path counts")


def timings(home: Path, folder: str) -> Iterator[tuple[str, float]]:
    """Seconds of each view and command."""
    published = home / "published" / "current" / "warehouse.duckdb"
    with duckdb.connect(str(published), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        relations = {f"quality.{view}": f"quality.{view}" for view in VIEWS}
        relations["quality.field_day, one field of one source"] = ONE_FIELD
        for name, relation in relations.items():
            query = f"create or replace temp table answer as from {relation}"
            seconds = seconds_of(lambda query=query: connection.execute(query))
            (rows,) = connection.execute("select count(*) from answer").fetchall()[0]
            yield f"{name} ({rows:,} rows)", seconds
    for name, arguments in COMMANDS.items():
        call = ("--home", str(home), *arguments)
        yield name, seconds_of(lambda call=call: run(*call, folder=folder))


def seconds_of(act: Callable[[], object]) -> float:
    """Wall time of one call."""
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


def run(*arguments: str, folder: str) -> None:
    """The command, whole; what it prints is dropped."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)}
    subprocess.run(
        [*CLI, *arguments], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL
    )


def print_table(rows: Iterator[tuple[str, float]]) -> None:
    """Print as Markdown, line by line."""
    print("| view or command | seconds |\n|---|---:|")
    for name, seconds in rows:
        print(f"| `{name}` | {seconds:.1f} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
