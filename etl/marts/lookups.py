"""Words of senders and what they mean: flags, statuses, names of code systems, from `data/*.csv`.

Each line has a reason. The views are looked up by `core.normal_key` of what came.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from etl.marts.projection import CompiledView
from etl.sql_text import quote

# view: its file, the column looked up, the column found, its type, what it says
LOOKUPS: dict[str, tuple[str, str, str, str, str]] = {
    "evidence.abnormal_flag": (
        "abnormal_flags.csv",
        "flag",
        "is_abnormal",
        "boolean",
        "Which flags of results say abnormal and which normal; others say neither.",
    ),
    "evidence.result_status": (
        "result_statuses.csv",
        "received",
        "status",
        "varchar",
        "What the statuses of results mean, in few words.",
    ),
    "evidence.code_system": (
        "code_systems.csv",
        "received",
        "code_system",
        "varchar",
        "One name for each code system, by the names, OIDs and addresses that senders give.",
    ),
}
_NOT_KEY = re.compile(r"[^a-z0-9.]+")


def normal_key(received: str) -> str:
    """The form in which a word is looked up; the same as macro core.normal_key."""
    return _NOT_KEY.sub("", received.lower())


@cache
def read_lookup(view: str) -> tuple[dict[str, str], ...]:
    """The lines of a view's file."""
    text = files("etl.marts").joinpath("data", LOOKUPS[view][0]).read_text("utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def keys_of_code_system(name: str) -> tuple[str, ...]:
    """Everything that senders write for a code system, as it is looked up."""
    lines = read_lookup("evidence.code_system")
    return tuple(
        sorted({normal_key(line["received"]) for line in lines if line["code_system"] == name})
    )


def compile_lookups() -> Iterator[CompiledView]:
    """The views of all files."""
    for name, (file, received, found, kind, comment) in LOOKUPS.items():
        lines = {
            normal_key(line[received]): line
            for line in read_lookup(name)
            if normal_key(line[received])
        }
        rows = ",\n  ".join(
            f"({quote(key)}, {quote(line[found])}, {quote(line['reason'])})"
            for key, line in sorted(lines.items())
        )
        yield CompiledView(
            name,
            f"""\
-- {comment}
-- grain: one row per word; key: received
-- reads: nothing
-- columns:
--   received: the word in lower case, reduced to letters, digits and dots
--   {found}: what it means, from etl/marts/data/{file}
--   reason: why
select
  received,
  cast({found} as {kind}) as {found},
  reason
from (values
  {rows}
) as listed(received, {found}, reason)""",
        )
