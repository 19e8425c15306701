"""A quick slice of the benchmark: 200 messages, no peers, and the parts that judge and tell."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import duckdb
import pytest

from benchmarks import run
from benchmarks.contenders import CONTENDERS, Task, compile_script
from benchmarks.goals import Verdict, judge
from benchmarks.measure import run_process
from benchmarks.report import BEGIN, END, replace_figures
from benchmarks.runner import Series
from benchmarks.steps import OTHER, by_kind
from benchmarks.workloads import ADT, Workloads

MESSAGES = 200
MIB = 2**20


def measured(scenario: str, case: str, seconds: float, **other: object) -> Series:
    """A series of one run on adt."""
    return Series(scenario, "adt", case, "ours", 2, 10, 1_000, [seconds], [seconds], [1], **other)  # type: ignore[arg-type]


def verdict_on(series: list[Series], title: str) -> Verdict:
    return next(v for v in judge(series) if (v.title, v.workload) == (title, "adt"))


@pytest.fixture(scope="module")
def workloads(tmp_path_factory: pytest.TempPathFactory) -> Workloads:
    return Workloads(tmp_path_factory.mktemp("cache"))


def test_quick_slice_measures_every_contender(
    workloads: Workloads, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "latest.json"
    given = ["--quick", "--no-peers", "--scale", str(MESSAGES / 100_000), "--threads", "1",
             "--only", "limits", "--workload", "adt", "--timeout", "300",
             "--cache", str(workloads.cache), "--results", str(results)]  # fmt: skip

    run.main(given)

    found = json.loads(results.read_text())
    assert {s["contender"] for s in found["series"]} == {
        "ours", "bare", "orjson", "duckdb_valid", "duckdb_parse",
    }  # fmt: skip
    for series in found["series"]:
        assert (series["messages"], series["failure"]) == (MESSAGES, "")
        assert series["peak_bytes"][0] > 10 * MIB
    printed = capsys.readouterr().out
    assert "| bare DuckDB SQL, no checks | 200 | 1 |" in printed
    assert "| checking times, value sets, findings |" in printed
    assert "| counting populations |" in printed


def test_cpu_of_processes_that_outlive_the_command_counts() -> None:
    script = (
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    while time.process_time() < 0.3: pass\n"
    )  # fmt: skip
    measured = run_process([sys.executable, "-c", script], threads=1, timeout_s=20, environment={})
    assert measured.cpu_s >= 0.3


def test_costs_of_steps_add_up() -> None:
    steps = {"flatten: times": 1.0, "flatten: walk": 2.0, "judge: conform": 3.0, "unheard of": 0.5}
    costs = by_kind(steps, 7.0, 1_000_000)
    assert sum(costs.values()) == pytest.approx(7)
    assert costs["checking times, value sets, findings"] == 1
    assert costs["flattening"] == 2
    assert costs[OTHER] == 1


def test_bare_sql_fills_the_same_tables_as_the_load(workloads: Workloads, tmp_path: Path) -> None:
    workload = workloads.make(ADT, MESSAGES)
    script = compile_script(workloads.cache)
    for name in ("ours", "bare"):
        task = Task(workload, tmp_path, 1, script, home=tmp_path)
        contender = CONTENDERS[name]
        done = run_process(
            contender.command(task),
            threads=1,
            timeout_s=300,
            environment=contender.environment(task),
        )
        assert not done.failure

    ours = table_rows(tmp_path / "warehouse.duckdb")
    bare = table_rows(tmp_path / "bare.duckdb")

    filled = {name for name, rows in ours.items() if rows and not name.startswith("quality.")}
    filled -= {"core.load", "core.load_part", "core.landed_object", "core.warehouse"}
    assert {name for name in filled if name not in bare} <= {"core.slice_change", "core.sequence"}
    assert ours["patient_admin.message"] == bare["patient_admin.message"] == MESSAGES
    # bare SQL keeps elements in which nothing is filled
    assert all(ours[name] <= bare[name] for name in filled & set(bare))


def table_rows(database: Path) -> dict[str, int]:
    """The number of rows of every table."""
    with duckdb.connect(str(database), read_only=True) as connection:
        names = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables()"
        ).fetchall()
        return {
            name: (connection.execute(f"select count(*) from {name}").fetchone() or (0,))[0]
            for (name,) in names
        }


def test_workload_is_made_once(workloads: Workloads) -> None:
    first = workloads.make(ADT, MESSAGES)
    written = first.file.stat().st_mtime_ns

    again = workloads.make(ADT, MESSAGES)

    assert (again, again.file.stat().st_mtime_ns) == (first, written)
    assert first.messages == MESSAGES
    assert 3_000 < first.size_bytes / first.messages < 5_000


def test_memory_of_children_alive_at_once_is_summed() -> None:
    child = f"import time; block = bytearray({64 * MIB}); time.sleep(1)"
    start = f"subprocess.Popen([sys.executable, '-c', {child!r}])"
    parent = (
        f"import subprocess, sys; first, second = {start}, {start}; first.wait(), second.wait()"
    )

    done = run_process([sys.executable, "-c", parent], threads=1, timeout_s=60, environment={})

    assert not done.failure
    assert done.peak_bytes > 2 * 64 * MIB


def test_slow_process_is_stopped_with_its_children() -> None:
    parent = "import subprocess; subprocess.run(['sleep', '60'])"
    started = time.perf_counter()

    done = run_process([sys.executable, "-c", parent], threads=1, timeout_s=0.5, environment={})

    assert done.is_stopped
    assert time.perf_counter() - started < 30


def test_goal_compares_medians_of_one_scenario() -> None:
    series = [measured("limits", "ours", 2.0), measured("limits", "bare", 3.0)]
    series.append(measured("growth", "ours", 100.0))

    verdict = verdict_on(series, "faster than bare DuckDB SQL")

    assert (verdict.measured, verdict.is_met) == ("1.50", True)


def test_goal_that_was_not_measured_is_neither_met_nor_missed() -> None:
    assert verdict_on([], "1 % damaged to clean").is_met is None


@pytest.mark.parametrize(("stopped_after", "is_met"), [(50.0, True), (10.0, None)])
def test_stopped_peer_proves_only_that_it_is_slower(
    stopped_after: float, is_met: bool | None
) -> None:
    late = measured("peers", "dlt", stopped_after, failure="stopped", is_stopped=True)

    verdict = verdict_on([measured("peers", "ours", 2.0), late], "faster than dlt")

    assert verdict.is_met is is_met


def test_figures_of_a_page_are_replaced(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"# Before\n{BEGIN}\nold\n{END}\nafter\n")

    replace_figures(page, "new\n")

    assert page.read_text() == f"# Before\n{BEGIN}\nnew\n{END}\nafter\n"
