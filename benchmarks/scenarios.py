"""What is compared with what, and how large. Running it is `runner`, judging it `goals`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from benchmarks.contenders import CONTENDERS
from benchmarks.runner import Entry, Runner, Series
from benchmarks.workloads import ADT, DAMAGED, MIXED, SMALL, Dials, Workloads

LIMITS = ("ours", "bare", "orjson", "duckdb_valid", "duckdb_parse", "simdjson")
PEERS = ("ours", "bare", "dlt", "pandas", "redox")
NEW_MESSAGES = 100
NEW_SEED = 99


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of messages."""

    small: int = 10_000
    medium: int = 100_000
    large: int = 400_000
    standing: int = 1_000_000

    def scaled(self, factor: float) -> Sizes:
        """Fewer or more of all."""
        given = (self.small, self.medium, self.large, self.standing)
        return Sizes(*(max(round(count * factor), 10) for count in given))


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything a scenario needs. `threads` are tried one after the other, the last is the goal's."""

    runner: Runner
    sizes: Sizes
    threads: tuple[int, ...] = (1, 2)
    kinds: tuple[Dials, ...] = (ADT, MIXED)
    with_peers: bool = True
    with_long_dlt: bool = False

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
        for dials in self.kinds:
            new = self.workloads.make(dials, NEW_MESSAGES, seed=NEW_SEED)
            self.runner.run(Entry("", CONTENDERS["ours"], new), threads=1)


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
    """Clean messages beside the same kind with 1 % of them damaged."""
    for dials in bench.kinds:
        clean = bench.workloads.make(dials, bench.sizes.medium)
        damaged = bench.workloads.make(dials.with_options(*DAMAGED), bench.sizes.medium)
        ours = CONTENDERS["ours"]
        entries = [Entry("clean", ours, clean), Entry("damaged", ours, damaged)]
        threads = bench.threads[-1]
        yield from bench.runner.compare("damage", dials.name, entries, threads=threads)


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
    "peers": compare_peers,
    "damage": compare_damage,
    "growth": compare_growth,
    "standing": compare_standing,
}
