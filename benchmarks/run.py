"""`make bench`: speed and memory of the real load beside its peers, as ratios, in one run.

    python -m benchmarks.run [--quick] [--full] [--only limits] [--write-docs]

Every run is a whole process, from start to exit, into an empty folder; contenders take turns, so
that noise of the machine disturbs all alike. The template of a new warehouse is warm, the files are
in the page cache.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.contenders import Contender, compile_script, install_peers
from benchmarks.earlier import BEFORE_ONE_PASS, NoEarlier, checked_out
from benchmarks.goals import judge
from benchmarks.machine import machine_facts
from benchmarks.report import replace_figures, to_json, to_markdown
from benchmarks.runner import Runner, Series
from benchmarks.scenarios import SCENARIOS, Bench, Sizes
from benchmarks.steps import Costs, measure_costs
from benchmarks.workloads import ADT, MIXED, PROJECT, Dials, Workloads

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "latest.json"
PAGE = PROJECT / "docs" / "performance.md"
QUICK_FACTOR, QUICK_TIMEOUT_S = 0.01, 30.0
KINDS = {dials.name: dials for dials in (ADT, MIXED)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write the results; 1 when a goal is not met."""
    given = _parser().parse_args(arguments)
    with ExitStack() as stack:
        return _measure(given, prepare(given, stack))


def _measure(given: argparse.Namespace, bench: Bench) -> int:
    facts = machine_facts() | {"sizes": _sizes(given, bench)}
    if bench.before:
        facts["earlier commit"] = given.against
    series: list[Series] = []
    for name in given.only or SCENARIOS:
        for own in SCENARIOS[name](bench):
            series.append(own)
            verdicts = list(judge(series))
            write(given.results, to_json(facts, series, verdicts))
    costs = [] if given.no_costs else [_costs(bench, dials) for dials in bench.kinds]
    verdicts = list(judge(series))
    facts["load average at end"] = f"{os.getloadavg()[0]:.1f}"
    write(given.results, to_json(facts, series, verdicts))
    markdown = to_markdown(facts, series, verdicts, costs)
    print(markdown)
    if given.write_docs:
        replace_figures(PAGE, markdown)
    return 1 if any(v.is_met is False for v in verdicts) and not given.quick else 0


def _costs(bench: Bench, dials: Dials) -> Costs:
    return measure_costs(bench.workloads.make(dials, bench.sizes.medium))


def prepare(given: argparse.Namespace, stack: ExitStack) -> Bench:
    """The peers' environment, the earlier commit, the sizes, a first load that warms up."""
    factor = given.scale or (QUICK_FACTOR if given.quick else 1)
    given.cache.mkdir(parents=True, exist_ok=True)
    fault = "" if given.no_peers else install_peers()
    if fault:
        print(f"without peers: {fault}", file=sys.stderr)
    cores = len(os.sched_getaffinity(0))
    runner = Runner(
        workloads=Workloads(given.cache),
        script=compile_script(given.cache),
        rounds=given.rounds or (1 if given.quick else 3),
        timeout_s=given.timeout or (QUICK_TIMEOUT_S if given.quick else 1800),
    )
    bench = Bench(
        runner,
        Sizes().scaled(factor),
        threads=tuple(count for count in _threads(given) if count <= cores),
        kinds=tuple(KINDS[name] for name in given.workload or KINDS),
        with_peers=not given.no_peers and not fault,
        with_long_dlt=given.full and not given.no_peers and not fault,
        before=_earlier(given, stack),
    )
    bench.warm_up()
    return bench


def _earlier(given: argparse.Namespace, stack: ExitStack) -> Contender | None:
    """The load of the earlier commit where a scenario wants it and it can be run."""
    if given.only and not {"against", "start"} & set(given.only):
        return None
    try:
        return stack.enter_context(checked_out(given.against, given.cache.resolve())).contender
    except NoEarlier as fault:
        print(f"without the earlier commit: {fault}", file=sys.stderr)
        return None


def _threads(given: argparse.Namespace) -> Sequence[int]:
    return given.threads or ((2,) if given.quick else (1, 2))


def write(path: Path, content: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(content)
    unfinished.replace(path)


def _sizes(given: argparse.Namespace, bench: Bench) -> str:
    s = bench.sizes
    counts = f"small {s.small:,}, medium {s.medium:,}, large {s.large:,}, full {s.standing:,}"
    return f"{counts} messages; medians of {bench.runner.rounds} rounds" + (
        "; a quick look, no measurement" if given.quick else ""
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small numbers, one round")
    parser.add_argument("--full", action="store_true", help="dlt with the medium size too")
    parser.add_argument("--only", action="append", choices=SCENARIOS, help="repeatable")
    parser.add_argument("--workload", action="append", choices=KINDS, help="repeatable")
    parser.add_argument("--threads", action="append", type=int, help="repeatable; 1 and 2")
    parser.add_argument(
        "--against",
        metavar="REV",
        default=BEFORE_ONE_PASS,
        help="the earlier commit to compare with; the last one before the compiled kernel",
    )
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--scale", type=float, help="factor on all numbers of messages")
    parser.add_argument("--timeout", type=float, metavar="S", help="most seconds of one process")
    parser.add_argument("--no-costs", action="store_true", help="no profile of where time goes")
    parser.add_argument("--no-peers", action="store_true", help="what needs benchmarks/.venv not")
    parser.add_argument(
        "--cache", type=Path, default=HERE / ".cache", help="on the disk to measure"
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--write-docs", action="store_true", help="put tables into the page")
    return parser


if __name__ == "__main__":
    sys.exit(main())
