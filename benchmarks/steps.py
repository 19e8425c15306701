"""What each kind of work costs within a load: shares of its CPU time, checking and counting apart."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measure import last_json
from benchmarks.workloads import PROJECT, Workload

# kind of work -> beginnings of the steps of profile_load that belong to it, the first that fits
KINDS: dict[str, tuple[str, ...]] = {
    "checking times, value sets, findings": (
        "flatten: times", "flatten: value sets", "flatten: findings",
    ),
    "counting populations": ("flatten: count",),
    "judging: gate, fingerprint, conform": ("judge",),
    "parsing": ("flatten: parse",),
    "flattening": ("flatten",),
    "landing": ("land", "cut"),
    "staging and inserting": ("stage", "insert"),
    "commit and checkpoint": ("commit",),
    "ledger, duplicates, ids": ("ledger", "find duplicates", "number", "conflicts"),
}  # fmt: skip
OTHER = "the rest: catalog, new warehouse, status"
TIMEOUT_S = 1800


@dataclass(frozen=True, slots=True)
class Costs:
    """CPU microseconds per message by kind of work, one process, one thread."""

    workload: str
    messages: int
    by_kind: Mapping[str, float]


def measure_costs(workload: Workload) -> Costs:
    """Profile one load of a workload."""
    command = [sys.executable, "-m", "benchmarks.profile_load", str(workload.file), "--json"]
    done = subprocess.run(
        command, cwd=PROJECT, capture_output=True, check=True, text=True, timeout=TIMEOUT_S
    )
    found = last_json(done.stdout)
    return Costs(workload.name, found["messages"], by_kind(found["steps"], found["seconds"],
                                                            found["messages"]))  # fmt: skip


def by_kind(steps: Mapping[str, float], seconds: float, messages: int) -> dict[str, float]:
    """Seconds of steps as microseconds per message of each kind; what no step took is the rest."""
    sums: Counter[str] = Counter(dict.fromkeys((*KINDS, OTHER), 0.0))
    for step, own in steps.items():
        sums[_kind_of(step)] += own
    sums[OTHER] += seconds - sum(steps.values())
    return {kind: own / messages * 1e6 for kind, own in sums.items()}


def _kind_of(step: str) -> str:
    return next((kind for kind, own in KINDS.items() if step.startswith(own)), OTHER)


def costs_table(costs: Sequence[Costs]) -> Iterator[str]:
    """The costs of several workloads side by side, as Markdown."""
    names = " | ".join(f"{own.workload}: us per message | share" for own in costs)
    yield "Where the CPU time of a load goes, one process and one thread"
    yield ""
    yield f"| work | {names} |"
    yield f"|---|{'---:|---:|' * len(costs)}"
    for kind in (*KINDS, OTHER):
        cells = [f"{own.by_kind[kind]:.1f} | {own.by_kind[kind] / sum(own.by_kind.values()):.1%}"
                 for own in costs]  # fmt: skip
        yield f"| {kind} | {' | '.join(cells)} |"
    yield ""
