"""A quick slice of the benchmark: 200 messages, no peers, and the parts that judge and tell."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest

from benchmarks import executors, kernel_alone, lock_wait, marts_scale, run
from benchmarks.contenders import CONTENDERS, Task, compile_script
from benchmarks.earlier import BEFORE_ONE_PASS, NoEarlier, checked_out
from benchmarks.goals import GOALS, Verdict, judge
from benchmarks.measure import run_process
from benchmarks.report import BEGIN, END, replace_figures, to_markdown
from benchmarks.runner import Entry, Runner, Series
from benchmarks.scenarios import SCENARIOS, Bench, Sizes
from benchmarks.steps import OTHER, by_kind
from benchmarks.workloads import ADT, Dials, Workload, Workloads
from tests.delta.spark import require_spark

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


@pytest.mark.slow  # a process for every contender
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


class NoWorkloads(Workloads):
    """Describes workloads without making any."""

    def __init__(self) -> None:
        pass

    def make(self, dials: Dials, messages: int, *, seed: int = 1) -> Workload:
        return Workload(dials.name, Path("none"), messages, messages * 4_000, dials.data_model)

    def scenarios(self, patients: int) -> Workload:
        return Workload("scenarios", Path("none"), 6 * patients, 24_000 * patients, "")

    def first(self, workload: Workload, messages: int) -> Workload:
        return self.one_by_one(workload, messages)

    def one_by_one(self, workload: Workload, messages: int) -> Workload:
        return Workload(workload.name, workload.file, messages, messages, workload.data_model)


class NoRunner(Runner):
    """Gives every entry a second and a gigabyte."""

    def compare(
        self, scenario: str, workload: str, entries: Sequence[Entry], *, threads: int
    ) -> list[Series]:
        return [
            Series(scenario, workload, e.case, e.contender.name, threads, e.workload.messages,
                   e.workload.size_bytes, [1.0], [1.0], [10**9], {"lock held": [0.5]})
            for e in entries
        ]  # fmt: skip

    def home_with(self, workload: Workload, *, threads: int) -> Path:
        return Path("none")


def test_scenarios_measure_every_goal_and_print_every_case() -> None:
    runner = NoRunner(NoWorkloads(), Path("none"), rounds=1, timeout_s=1)
    bench = Bench(runner, Sizes(), with_long_dlt=True, before=CONTENDERS["before"])

    series = [own for scenario in SCENARIOS.values() for own in scenario(bench)]
    verdicts = list(judge(series))

    assert [v.title for v in verdicts if v.is_met is None] == []
    assert {v.title for v in verdicts} >= {goal.title for goal in GOALS}
    printed = to_markdown({}, series, verdicts)
    assert all(CONTENDERS[own.contender].title in printed for own in series)
    assert "| lock held | 0.50 (0.50 to 0.50) |" in printed


@pytest.mark.slow
def test_reading_alone_is_measured(
    workloads: Workloads, capsys: pytest.CaptureFixture[str]
) -> None:
    kernel_alone.main([str(workloads.make(ADT, MESSAGES).file)])

    found = json.loads(capsys.readouterr().out)
    assert (found["messages"], found["refused"]) == (MESSAGES, 0)
    assert 0 < found["seconds"] < 60


@pytest.mark.slow  # it compiles the reader of that commit
def test_earlier_commit_runs_its_own_code(workloads: Workloads, tmp_path: Path) -> None:
    try:
        with checked_out(BEFORE_ONE_PASS, tmp_path) as earlier:
            workload = workloads.first(workloads.make(ADT, MESSAGES), 5)
            task = Task(workload, tmp_path, 1, tmp_path, home=tmp_path / "home")
            command, own = earlier.contender.command(task), earlier.contender.environment(task)
            done = run_process(command, threads=1, timeout_s=300, environment=own)
    except NoEarlier as fault:
        pytest.skip(str(fault))
    assert (done.failure, done.output["received"]) == ("", 5)
    assert list(tmp_path.glob("earlier-*")) == []


def test_unknown_earlier_commit_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(NoEarlier, match="git"), checked_out("no-such-commit", tmp_path):
        pass


@pytest.mark.slow  # waits for what it times
def test_locks_and_readers_of_a_load_are_timed(
    workloads: Workloads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_wait, "IDLE_SHOWS", 1)

    found = lock_wait.measure(workloads.make(ADT, MESSAGES).file, tmp_path)

    figures = found["figures"]
    assert isinstance(figures, dict) and found["messages"] == MESSAGES
    assert 0 < figures["write lock held"] < found["seconds"]
    assert 0 < figures["open for writing"] < found["seconds"]
    assert figures["show, longest"] >= figures["show, beside the load"] > 0


@pytest.mark.slow
def test_marts_of_scenarios_are_timed(workloads: Workloads, tmp_path: Path) -> None:
    workload = workloads.scenarios(20)

    found = marts_scale.measure(workload.file, tmp_path / "home")

    assert found["received"] == workload.messages
    assert isinstance(found["rows"], dict) and found["rows"]["encounter"] > 0
    figures = found["figures"]
    assert isinstance(figures, dict) and min(figures.values()) > 0


@pytest.mark.slow
def test_executors_are_compared_by_ratios(workloads: Workloads, tmp_path: Path) -> None:
    require_spark()
    found = executors.measure(workloads.make(ADT, MESSAGES).file, tmp_path, [1], rounds=1)
    assert (found["messages"], found["times as fast"], found["CPU time"]) == (
        MESSAGES, {1: 1.0}, {1: 1.0},
    )  # fmt: skip


def test_only_exclusive_locks_of_the_processes_count() -> None:
    listing = (
        "1: FLOCK  ADVISORY  WRITE 10 fd:00:111 0 EOF\n"
        "2: POSIX  ADVISORY  WRITE 11 fd:00:222 0 EOF\n"
        "3: FLOCK  ADVISORY  READ  10 fd:00:333 0 EOF\n"
        "4: FLOCK  ADVISORY  WRITE 99 fd:00:444 0 EOF\n"
        "5: -> FLOCK  ADVISORY  WRITE 10 fd:00:555 0 EOF\n"
    )
    assert list(lock_wait.exclusive_locks(listing, [10, 11])) == [111, 222]


def test_messages_are_written_one_a_file(workloads: Workloads) -> None:
    whole = workloads.make(ADT, MESSAGES)

    folder = workloads.one_by_one(whole, 7)

    assert (folder.messages, len(list(folder.file.iterdir()))) == (7, 7)
    lines = whole.file.read_bytes().splitlines(keepends=True)[:7]
    assert b"".join(path.read_bytes() for path in sorted(folder.file.iterdir())) == b"".join(lines)


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
