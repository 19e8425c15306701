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


KEEP_BASE = """
create temp table base as from quality.message_count;
create temp table share as
with feed as (
  select source_id, facility_code, data_model, event_type, is_test, sum(messages) as messages
  from base
  group by all
)
select
  feed.* exclude (messages),
  path_count.path,
  sum(path_count.messages) / any_value(feed.messages) as filled,
  sum(path_count.elements) / sum(path_count.messages) as elements_each
from quality.path_count
inner join feed using (source_id, facility_code, data_model, event_type, is_test)
group by all;
delete from quality.message_count;
delete from quality.path_count
"""
# Replies have no time of their own, so they are counted on the day of the load, long after the others.
MESSAGES = """
insert into quality.message_count by name
select
  base.* exclude (source_id, day, messages),
  source_id || '-' || sender as source_id,
  least(day, first_day + $base_days::integer - 1) - $base_days::integer * block::integer as day,
  (sum(messages) * $factor)::bigint as messages
from base
cross join (select min(day) as first_day from base)
cross join range($blocks) blocks(block)
cross join range($senders) senders(sender)
group by all
"""
# The normal draw is made of two even ones, which are hashes: the same counts in every run.
PATHS = """
insert into quality.path_count by name
with drawn as (
  select
    counted.slice,
    counted.day,
    counted.source_id,
    counted.facility_code,
    counted.data_model,
    counted.event_type,
    counted.is_test,
    share.path,
    share.elements_each,
    counted.messages as of_messages,
    case
      when share.path = 'Visit.VisitNumber' and counted.source_id like '%-0'
        and counted.day > max(counted.day) over () - 10
        then filled / 10
      else filled
    end as chance,
    hash(
      share.path, counted.day, counted.source_id, counted.facility_code, counted.data_model,
      counted.event_type
    ) as seed,
    (hash(seed, 1) % 1000003 + 1) / 1000004 as even,
    (hash(seed, 2) % 1000003 + 1) / 1000004 as other_even
  from quality.message_count as counted
  inner join share
    on share.source_id = regexp_replace(counted.source_id, '-[0-9]+$', '')
    and share.facility_code = counted.facility_code
    and share.data_model = counted.data_model
    and share.event_type = counted.event_type
    and share.is_test = counted.is_test
),

filled as (
  select
    drawn.* exclude (of_messages, chance, seed, even, other_even),
    least(of_messages, greatest(0, round(
      of_messages * chance
      + sqrt(of_messages * chance * (1 - chance)) * sqrt(-2 * ln(even)) * cos(2 * pi() * other_even)
    )))::bigint as messages
  from drawn
)

select
  filled.* exclude (elements_each),
  greatest(messages, round(messages * elements_each))::bigint as elements
from filled
where messages > 0
"""


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
    """Repeat the counts for other days and sources, and make each stand for more messages.

    Each day draws its own share of filled messages around the field's share in the base, as messages
    that do not depend on each other would. One field of each first source falls ten days before the end.
    """
    blocks = given.days // BASE_DAYS
    scale = {
        "factor": max(given.messages // (BASE_MESSAGES * blocks * given.sources), 1),
        "blocks": blocks,
        "senders": given.sources,
        "base_days": BASE_DAYS,
    }
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute("begin")
        connection.execute(KEEP_BASE)
        for statement in (MESSAGES, PATHS):
            names = [name for name in scale if f"${name}" in statement]
            connection.execute(statement, {name: scale[name] for name in names})
        connection.execute("commit")
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
