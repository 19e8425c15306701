"""What is compared with what, and how large. Running it is `runner`, judging it `goals`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace

from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.runner import Entry, Runner, Series
from benchmarks.workloads import (
    ADT,
    DAMAGED,
    EXTENDED,
    HALF_DAMAGED,
    MIXED,
    SMALL,
    Dials,
    Workloads,
)

LIMITS = ("ours", "bare", "orjson", "duckdb_valid", "duckdb_parse", "simdjson")
KERNEL = ("kernel", "simdjson", "orjson")
PEERS = ("ours", "bare", "dlt", "pandas", "redox")
NEW_MESSAGES = 100
NEW_SEED = 99
SHORT_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of messages; of files of one message; bytes of the load that shows the peak memory;
    patients of a million coherent messages.
    """

    small: int = 10_000
    medium: int = 100_000
    large: int = 400_000
    standing: int = 1_000_000
    files: int = 20_000
    heavy_bytes: int = 2 * 10**9
    patients: int = 170_000

    def scaled(self, factor: float) -> Sizes:
        """Fewer or more of all."""
        return Sizes(*(max(round(count * factor), 10) for count in astuple(self)))


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything a scenario needs. `threads` are tried one after the other, the last is the goal's.

    `before` is the load of an earlier commit, None where it cannot be run.
    """

    runner: Runner
    sizes: Sizes
    threads: tuple[int, ...] = (1, 2)
    kinds: tuple[Dials, ...] = (ADT, MIXED)
    with_peers: bool = True
    with_long_dlt: bool = False
    before: Contender | None = None

    @property
    def workloads(self) -> Workloads:
        return self.runner.workloads

    def entries(self, names: Sequence[str], dials: Dials, count: int) -> list[Entry]:
        """Contenders on the first `count` messages of a workload."""
        workload = self.workloads.make(dials, self.sizes.medium)
        if count < self.sizes.medium:
            workload = self.workloads.first(workload, count)
        present = [n for n in names if self.with_peers or not CONTENDERS[n].is_peer]
        return [Entry(name, CONTENDERS[name], workload) for name in present]

    def warm_up(self) -> None:
        """A small load of each kind: the template of a new warehouse and Python's caches exist."""
        for dials in (*self.kinds, SMALL):
            new = self.workloads.make(dials, NEW_MESSAGES, seed=NEW_SEED)
            for contender in self.both:
                self.runner.run(Entry("", contender, new), threads=1)

    @property
    def both(self) -> list[Contender]:
        """This load, and that of the earlier commit where there is one."""
        return [CONTENDERS["ours"], *([self.before] if self.before else [])]


def compare_limits(bench: Bench) -> Iterator[Series]:
    """The load beside bare SQL and beside parsing alone."""
    for dials in bench.kinds:
        for threads in bench.threads:
            entries = bench.entries(LIMITS, dials, bench.sizes.medium)
            yield from bench.runner.compare("limits", dials.name, entries, threads=threads)


def compare_peers(bench: Bench) -> Iterator[Series]:
    """The load beside other tools, fewer messages."""
    for dials in bench.kinds:
        for threads in bench.threads:
            entries = bench.entries(PEERS, dials, bench.sizes.small)
            yield from bench.runner.compare("peers", dials.name, entries, threads=threads)
        if bench.with_long_dlt:
            entries = bench.entries(("ours", "dlt"), dials, bench.sizes.medium)
            threads = bench.threads[-1]
            yield from bench.runner.compare("long dlt", dials.name, entries, threads=threads)


def compare_damage(bench: Bench) -> Iterator[Series]:
    """Clean messages beside the same kind with 1 % and with half of them damaged."""
    for dials in bench.kinds:
        kinds = {
            "clean": dials,
            "damaged": dials.with_options(*DAMAGED),
            "half damaged": dials.with_options(*HALF_DAMAGED),
        }
        yield from _compare_ours(bench, "damage", dials.name, kinds)


def compare_extensions(bench: Bench) -> Iterator[Series]:
    """A feed in which no message carries Extensions beside one in which all do."""
    for dials in bench.kinds:
        kinds = {"none": dials, "all": dials.with_options(*EXTENDED)}
        yield from _compare_ours(bench, "extensions", dials.name, kinds)


def _compare_ours(
    bench: Bench, scenario: str, workload: str, kinds: dict[str, Dials]
) -> list[Series]:
    """The load of several kinds of messages of one number, by case."""
    ours = CONTENDERS["ours"]
    entries = [
        Entry(case, ours, bench.workloads.make(kind, bench.sizes.medium))
        for case, kind in kinds.items()
    ]
    return bench.runner.compare(scenario, workload, entries, threads=bench.threads[-1])


def compare_kernel(bench: Bench) -> Iterator[Series]:
    """Reading alone beside parsing alone, on one thread."""
    for dials in bench.kinds:
        entries = bench.entries(KERNEL, dials, bench.sizes.medium)
        yield from bench.runner.compare("kernel", dials.name, entries, threads=1)


def compare_start(bench: Bench) -> Iterator[Series]:
    """A hundred new messages from process start to exit, beside the earlier commit."""
    new = bench.workloads.make(SMALL, NEW_MESSAGES, seed=NEW_SEED)
    runner = replace(bench.runner, rounds=bench.runner.rounds * SHORT_ROUNDS)
    entries = [Entry(contender.name, contender, new) for contender in bench.both]
    yield from runner.compare("start", SMALL.name, entries, threads=bench.threads[-1])


def compare_against(bench: Bench) -> Iterator[Series]:
    """The load beside the load of the earlier commit."""
    if bench.before is None:
        return
    for dials in bench.kinds:
        workload = bench.workloads.make(dials, bench.sizes.medium)
        entries = [Entry(contender.name, contender, workload) for contender in bench.both]
        threads = bench.threads[-1]
        yield from bench.runner.compare("against", dials.name, entries, threads=threads)


def compare_files(bench: Bench) -> Iterator[Series]:
    """A folder of files of one message each, beside one file of the same messages."""
    whole = bench.workloads.make(SMALL, bench.sizes.files)
    folder = bench.workloads.one_by_one(whole, bench.sizes.files)
    ours = CONTENDERS["ours"]
    entries = [Entry("one by one", ours, folder), Entry("one file", ours, whole)]
    yield from bench.runner.compare("files", SMALL.name, entries, threads=bench.threads[-1])


def compare_locks(bench: Bench) -> Iterator[Series]:
    """How long a load holds the warehouse, and how long a reader waits for it."""
    for dials in bench.kinds:
        entries = bench.entries(("locks",), dials, bench.sizes.medium)
        yield from bench.runner.compare("locks", dials.name, entries, threads=bench.threads[-1])


def measure_marts(bench: Bench) -> Iterator[Series]:
    """All marts over a million coherent messages, once; again with nothing changed; one query."""
    runner = replace(bench.runner, rounds=1)
    entry = Entry("marts", CONTENDERS["marts"], bench.workloads.scenarios(bench.sizes.patients))
    yield from runner.compare("marts", "scenarios", [entry], threads=bench.threads[-1])


def measure_memory(bench: Bench) -> Iterator[Series]:
    """The peak memory of one command that loads two gigabytes, once."""
    runner = replace(bench.runner, rounds=1)
    for dials in bench.kinds:
        some = bench.workloads.make(dials, bench.sizes.medium)
        count = -(-bench.sizes.heavy_bytes * some.messages // some.size_bytes)
        entry = Entry("heavy", CONTENDERS["ours"], bench.workloads.make(dials, count))
        yield from runner.compare("memory", dials.name, [entry], threads=bench.threads[-1])


def compare_growth(bench: Bench) -> Iterator[Series]:
    """From ten thousand to four hundred thousand messages."""
    for dials in bench.kinds:
        large = bench.workloads.make(dials, bench.sizes.large)
        entries = []
        for name in ("ours", "bare"):
            for size, count in (("small", bench.sizes.small), ("medium", bench.sizes.medium)):
                (entry,) = bench.entries((name,), dials, count)
                entries.append(replace(entry, case=f"{size} {name}"))
            entries.append(Entry(f"large {name}", CONTENDERS[name], large))
        threads = bench.threads[-1]
        yield from bench.runner.compare("growth", dials.name, entries, threads=threads)


def compare_standing(bench: Bench) -> Iterator[Series]:
    """A hundred new messages into an empty warehouse and into one of a million."""
    threads = bench.threads[-1]
    new = bench.workloads.make(SMALL, NEW_MESSAGES, seed=NEW_SEED)
    standing = bench.workloads.make(SMALL, bench.sizes.standing)
    home = bench.runner.home_with(standing, threads=threads)
    ours = CONTENDERS["ours"]
    entries = [Entry("empty", ours, new), Entry("full", ours, new, start=home)]
    yield from bench.runner.compare("standing", SMALL.name, entries, threads=threads)


SCENARIOS: dict[str, Callable[[Bench], Iterator[Series]]] = {
    "limits": compare_limits,
    "kernel": compare_kernel,
    "against": compare_against,
    "start": compare_start,
    "peers": compare_peers,
    "damage": compare_damage,
    "extensions": compare_extensions,
    "files": compare_files,
    "growth": compare_growth,
    "standing": compare_standing,
    "locks": compare_locks,
    "memory": measure_memory,
    "marts": measure_marts,
}
