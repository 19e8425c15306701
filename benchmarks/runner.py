"""Takes runs in turns, so that noise disturbs all alike, and keeps what was measured."""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.contenders import Contender, Task
from benchmarks.measure import Measured, run_process
from benchmarks.workloads import CLI, Workload, Workloads, hash_of_loader, remove_older

# A contender that takes longer than this is not measured again.
LONG_S = 120
SCRAPS = 0.001


@dataclass(slots=True)
class Series:
    """The runs of one contender in one comparison; `case` names the entry.

    `figures` are further seconds that a contender prints, by what they are.
    """

    scenario: str
    workload: str
    case: str
    contender: str
    threads: int
    messages: int
    size_bytes: int
    seconds: list[float] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)
    figures: dict[str, list[float]] = field(default_factory=dict)
    note: str = ""
    failure: str = ""
    is_stopped: bool = False

    @property
    def median_s(self) -> float | None:
        """The median time; None when a run failed. Of a stopped one: it takes at least so long."""
        return statistics.median(self.seconds) if not self.failure or self.is_stopped else None

    @property
    def peak(self) -> int:
        """The largest peak memory of its runs, bytes."""
        return max(self.peak_bytes, default=0)

    def to_json(self) -> dict[str, Any]:
        """All figures as plain data."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a comparison; `start` is a home of which a run gets a copy."""

    case: str
    contender: Contender
    workload: Workload
    start: Path | None = None


@dataclass(frozen=True, slots=True)
class Runner:
    """Runs entries in new folders of the cache's disk, which is the disk that is measured."""

    workloads: Workloads
    script: Path
    rounds: int
    timeout_s: float

    def compare(
        self, scenario: str, workload: str, entries: Sequence[Entry], *, threads: int
    ) -> list[Series]:
        """Every entry once, then every entry again, for as many rounds as there are."""
        series = [_series(scenario, workload, entry, threads) for entry in entries]
        for number in range(self.rounds):
            for entry, own in zip(entries, series, strict=True):
                if not own.failure and max(own.seconds, default=0) < LONG_S:
                    _take(own, self.run(entry, threads=threads))
                    _tell(own, number)
        return series

    def run(self, entry: Entry, *, threads: int) -> Measured:
        """One whole process; copying what it starts with is not measured."""
        workload = entry.workload
        if entry.contender.name == "redox":
            workload = self.workloads.for_pydantic(workload)
        with self._new_folder() as folder:
            home = folder / "home"
            if entry.start is not None:
                copy_home(entry.start, home)
            task = Task(workload, folder, threads, self.script, home)
            return run_process(
                entry.contender.command(task),
                threads=threads,
                timeout_s=self.timeout_s,
                environment=entry.contender.environment(task),
            )

    @contextmanager
    def _new_folder(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self.workloads.cache, prefix="run-") as folder:
            yield Path(folder)

    def home_with(self, workload: Workload, *, threads: int) -> Path:
        """A home that holds the workload, kept in the cache until the loader changes."""
        home = self.workloads.cache / f"home-{workload.messages}-{hash_of_loader(workload)}"
        if not home.exists():
            remove_older(self.workloads.cache, f"home-{workload.messages}-")
            unfinished = home.with_name(f"{home.name}.unfinished")
            print(f"loading {workload.messages:,} messages to begin with", file=sys.stderr)
            done = run_process(
                [*CLI, "--home", str(unfinished), "load", "--json", str(workload.file)],
                threads=threads,
                timeout_s=self.timeout_s,
                environment={},
            )
            if done.failure:
                raise SystemExit(f"The warehouse to begin with could not be built: {done.failure}")
            unfinished.rename(home)
        return home


def _series(scenario: str, workload: str, entry: Entry, threads: int) -> Series:
    own = entry.workload
    contender = entry.contender.name
    return Series(scenario, workload, entry.case, contender, threads, own.messages, own.size_bytes)


def _take(series: Series, measured: Measured) -> None:
    series.seconds.append(measured.output.get("seconds", measured.seconds))
    series.cpu_s.append(measured.output.get("cpu_s", measured.cpu_s))
    series.peak_bytes.append(measured.peak_bytes)
    for name, figure in measured.output.get("figures", {}).items():
        series.figures.setdefault(name, []).append(figure)
    series.is_stopped = measured.is_stopped
    series.failure = measured.failure or _miscount(series, measured.output)
    if refused := measured.output.get("refused", 0):
        series.note = f"refuses {refused:,} messages"


def _miscount(series: Series, output: Mapping[str, Any]) -> str:
    """What is wrong when a contender did not take all messages.

    A damaged line and a scrap after it (`3.5`) may be one item: framing cannot tell them apart.
    """
    counted = output.get("received", output.get("messages"))
    scraps = SCRAPS if "damaged" in series.case else 0.0
    if counted is not None and 0 <= series.messages - counted <= scraps * series.messages:
        return ""
    return f"took {counted} of {series.messages} messages"


def _tell(series: Series, number: int) -> None:
    outcome = series.failure or f"{series.seconds[-1]:.2f} s"
    where = f"{series.scenario} {series.workload}, {series.threads} thread(s)"
    print(f"{where}, round {number + 1}: {series.case}: {outcome}", file=sys.stderr, flush=True)


def copy_home(start: Path, home: Path) -> None:
    """A copy of a home; its landed objects never change, so they are linked."""

    def copy(source: str, target: str) -> None:
        if "landing" in Path(source).relative_to(start).parts:
            Path(target).hardlink_to(source)
        else:
            shutil.copy2(source, target)

    shutil.copytree(start, home, copy_function=copy)
