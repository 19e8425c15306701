"""Where the CPU seconds of a load go, step by step: one process, one worker.

    python -m benchmarks.profile_load FILE [--functions 40] [--threads 1] [--json]

Functions of the pipeline are wrapped from outside; a step's seconds are its own, without those of
steps it calls. Seconds are process time, so a busy machine disturbs little; threads that DuckDB or
landing start count for the step that waits for them. `--functions` runs cProfile as well (a second
load: it slows Python down, so its numbers only tell who calls whom how often).
"""

from __future__ import annotations

import argparse
import cProfile
import functools
import importlib
import json
import os
import pstats
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

# step -> what belongs to it: "module:Class.function"; what is imported by name is wrapped there
STEPS: tuple[tuple[str, str], ...] = (
    ("compile catalog", "etl.pipeline.load:compile_catalog"),
    ("land", "etl.pipeline.load:Loader._land"),
    ("cut into units", "etl.pipeline.intake:cut_into_units"),
    ("read landed bytes", "etl.landing.store:LandingReader.read"),
    ("read: sniff and parse", "etl.kernel.run:_Unit.read_fitting"),
    ("read: exact way", "etl.kernel.exact:ExactWay.conform_all"),
    ("read: columns", "etl.kernel.tables:BatchTables._leaves"),
    ("read: times", "etl.kernel.observe:coerce_times"),
    ("read: value sets", "etl.check.value_sets:ValueSetChecker.find_violations"),
    ("read: extensions", "etl.kernel.tables:BatchTables._keep_extensions"),
    ("read: plausibility", "etl.kernel.tables:BatchTables._note_implausible"),
    ("read: rows to tables", "etl.kernel.tables:BatchTables._tables"),
    ("read: rest", "etl.pipeline.reading:Reading.read_unit"),
    ("new warehouse", "etl.pipeline.load:create_warehouse"),
    ("ensure tables", "etl.warehouse.schema:Schema.ensure"),
    ("find duplicates", "etl.warehouse.ledger:known_hashes"),
    ("number", "etl.pipeline.transaction:number_messages"),
    ("settle: count paths", "etl.kernel.settle:Settling._count"),
    ("settle: counts to tables", "etl.kernel.settle:Settling.finish"),
    ("settle: rest", "etl.kernel.settle:Settling.settle"),
    ("insert", "etl.warehouse.commit:Inserting._insert"),
    ("conflicts and new values", "etl.pipeline.transaction:count_log_conflicts"),
    ("conflicts and new values", "etl.pipeline.transaction:mark_new_values"),
    ("ledger", "etl.warehouse.ledger:record_load"),
    ("ledger", "etl.warehouse.ledger:record_objects"),
    ("ledger", "etl.pipeline.transaction:record_slices"),
    ("status and seen files", "etl.pipeline.load:write_status"),
    ("status and seen files", "etl.pipeline.load:Loader._remember"),
    ("commit, checkpoint, rest", "etl.pipeline.load:Loader.load"),
)


class Clock:
    """Adds process seconds to the innermost step that is running."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.calls: Counter[str] = Counter()
        self._running: list[str] = []
        self._since = time.process_time()

    def wrap(self, step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its time counted under a step."""

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._turn(step)
            self.calls[step] += 1
            try:
                return function(*args, **kwargs)
            finally:
                self._turn(None)

        return timed

    def _turn(self, step: str | None) -> None:
        now = time.process_time()
        if self._running:
            self.seconds[self._running[-1]] += now - self._since
        self._since = now
        if step is None:
            self._running.pop()
        else:
            self._running.append(step)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--functions", type=int, default=0, metavar="N", help="N costliest ones")
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    os.environ["REDOX_WAREHOUSE_LOAD__WORKERS"] = "1"
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.threads])
    started = time.process_time()
    load = prepare()
    imported = time.process_time() - started
    clock = Clock()
    missing = [place for step, place in STEPS if not wrap_place(clock, step, place)]
    started = time.process_time()
    messages, size_bytes = load(given.file)
    total = time.process_time() - started
    if given.json:
        print(json.dumps({"messages": messages, "seconds": total, "steps": clock.seconds}))
        return
    print_steps(clock, imported, total, messages, size_bytes)
    if missing:
        print("not found, their time is in the steps around them:", ", ".join(missing))
    if given.functions:
        print_functions(load, given)


def prepare() -> Callable[[Path], tuple[int, int]]:
    """Import the loader; gives a function that loads a file into a new home."""
    from etl.pipeline.load import load_paths
    from etl.settings import read_settings

    def load(file: Path) -> tuple[int, int]:
        with tempfile.TemporaryDirectory(dir=file.parent.parent) as home:
            summary = load_paths(read_settings(Path(home)), [str(file)])
        return summary.received, summary.bytes

    return load


def wrap_place(clock: Clock, step: str, place: str) -> bool:
    """Wrap one function where it stands; False when it is not there (any more)."""
    module, _, path = place.partition(":")
    *outer, last = path.split(".")
    try:
        owner = importlib.import_module(module)
        for name in outer:
            owner = getattr(owner, name)
        found = owner.__dict__[last]
    except (ImportError, AttributeError, KeyError):
        return False
    if isinstance(found, classmethod):
        setattr(owner, last, classmethod(clock.wrap(step, found.__func__)))
    else:
        setattr(owner, last, clock.wrap(step, found))
    return True


def print_steps(
    clock: Clock, imported: float, total: float, messages: int, size_bytes: int
) -> None:
    """The table of steps, the costliest first."""
    print(f"{messages:,} messages, {size_bytes / 1e6:,.1f} MB; CPU seconds of one process")
    print(f"| {'step':30} | {'seconds':>8} | {'share':>6} | {'us/message':>10} | {'calls':>9} |")
    print(f"|{'-' * 32}|{'-' * 9}:|{'-' * 7}:|{'-' * 11}:|{'-' * 10}:|")
    rows = sorted(clock.seconds.items(), key=lambda row: -row[1])
    rows.append(("other", total - sum(clock.seconds.values())))
    for step, seconds in rows:
        print(f"| {step:30} | {seconds:8.3f} | {seconds / total:6.1%} "
              f"| {seconds / max(messages, 1) * 1e6:10.1f} | {clock.calls[step]:9,} |")  # fmt: skip
    print(f"| {'all steps':30} | {total:8.3f} |        |            |           |")
    print(f"importing took {imported:.3f} s before that")


def print_functions(load: Callable[[Path], Any], given: argparse.Namespace) -> None:
    """cProfile's own time of functions, by process time."""
    profile = cProfile.Profile(time.process_time)
    profile.runcall(load, given.file)
    pstats.Stats(profile).sort_stats("tottime").print_stats(given.functions)


if __name__ == "__main__":
    main()
