"""The goals, as ratios of two series of one run, and whether they are met."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.runner import Series

MEMORY_LIMIT_BYTES = 2 * 10**9


class Bound(StrEnum):
    AT_LEAST = "at least"
    AT_MOST = "at most"


@dataclass(frozen=True, slots=True)
class Goal:
    """The time of case `above` divided by the time of case `below`, for each workload in `limits`."""

    title: str
    scenario: str
    above: str
    below: str
    bound: Bound
    limits: dict[str, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A goal on a workload: the figure measured, None when it was not; `is_met` accordingly."""

    title: str
    workload: str
    wanted: str
    measured: str
    is_met: bool | None


_WORKLOADS = ("adt", "mixed", "small")


def _both(adt: float, mixed: float) -> dict[str, float]:
    return {"adt": adt, "mixed": mixed}


GOALS = (
    Goal("faster than bare DuckDB SQL", "limits", "bare", "ours", Bound.AT_LEAST, _both(1.5, 1.8)),
    Goal(
        "faster than bare DuckDB SQL, large", "growth", "large bare", "large ours",
        Bound.AT_LEAST, _both(1.0, 1.3),
    ),
    Goal("times of simdjson's parse", "limits", "ours", "simdjson", Bound.AT_MOST, _both(8, 12)),
    Goal(
        "times of DuckDB's parse", "limits", "ours", "duckdb_parse", Bound.AT_MOST, _both(2.5, 2)
    ),
    Goal("faster than dlt", "peers", "dlt", "ours", Bound.AT_LEAST, _both(12, 40)),
    Goal(
        "faster than dlt, medium size", "long dlt", "dlt", "ours", Bound.AT_LEAST, _both(12, 40)
    ),
    Goal("faster than pydantic", "peers", "redox", "ours", Bound.AT_LEAST, _both(4, 2)),
    Goal("1 % damaged to clean", "damage", "damaged", "clean", Bound.AT_MOST, _both(1.3, 1.3)),
    Goal("all with Extensions to none", "extensions", "all", "none", Bound.AT_MOST,
         _both(1.3, 1.3)),
    Goal("large to medium", "growth", "large ours", "medium ours", Bound.AT_MOST, _both(4.2, 4.2)),
    Goal("100 new: full to empty", "standing", "full", "empty", Bound.AT_MOST, {"small": 1.5}),
    Goal("100 new: to the earlier commit", "start", "ours", "before", Bound.AT_MOST,
         {"small": 0.34}),
)  # fmt: skip
FILES_PER_S = 1_500


def judge(series: Sequence[Series]) -> Iterator[Verdict]:
    """Every goal on every workload, at the largest number of threads that was measured."""
    for goal in GOALS:
        for workload, limit in goal.limits.items():
            above = _find(series, goal.scenario, workload, goal.above)
            below = _find(series, goal.scenario, workload, goal.below)
            yield _verdict(goal, workload, limit, above, below)
    yield _judge_files(series)
    yield from _judge_memory(series)


def _verdict(
    goal: Goal, workload: str, limit: float, above: Series | None, below: Series | None
) -> Verdict:
    wanted = f"{goal.bound} {limit:g}"
    if above is None or below is None or not above.median_s or not below.median_s:
        return Verdict(goal.title, workload, wanted, "not measured", None)
    ratio = above.median_s / below.median_s
    is_met = ratio >= limit if goal.bound is Bound.AT_LEAST else ratio <= limit
    if not above.is_stopped and not below.is_stopped:
        return Verdict(goal.title, workload, wanted, f"{ratio:.2f}", is_met)
    # a stopped run takes longer than was measured: only one side of the bound can be told
    is_certain = above.is_stopped and not below.is_stopped
    is_certain &= is_met if goal.bound is Bound.AT_LEAST else not is_met
    return Verdict(goal.title, workload, wanted, f"> {ratio:.2f}", is_met if is_certain else None)


def _judge_files(series: Sequence[Series]) -> Verdict:
    title, wanted = "files of one message", f"at least {FILES_PER_S:,} files/s"
    found = _find(series, "files", "small", "one by one")
    if found is None or not found.median_s or found.is_stopped:
        return Verdict(title, "small", wanted, "not measured", None)
    rate = found.messages / found.median_s
    return Verdict(title, "small", wanted, f"{rate:,.0f} files/s", rate >= FILES_PER_S)


def _judge_memory(series: Sequence[Series]) -> Iterator[Verdict]:
    for workload in _WORKLOADS:
        own = [s.peak for s in series if s.contender == "ours" and s.workload == workload]
        peak = max(own, default=0)
        measured = f"{peak / 1e9:.2f} GB" if peak else "not measured"
        is_met = peak < MEMORY_LIMIT_BYTES if peak else None
        yield Verdict("peak memory at any size", workload, "under 2 GB", measured, is_met)


def _find(series: Sequence[Series], scenario: str, workload: str, case: str) -> Series | None:
    found = [s for s in series if (s.scenario, s.workload, s.case) == (scenario, workload, case)]
    return max(found, key=lambda own: own.threads, default=None)
