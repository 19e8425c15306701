"""One executor against two on the same work: a lake loaded by Spark, on a cluster of processes here.

    python -m benchmarks.executors FILE FOLDER [--rounds 3] [--executors 1 2]

Each load is a new home below FOLDER and a new cluster (`local-cluster[N,1,1024]`), whose executors
have done a small piece of work before. Units and tasks are small, so that few messages are many tasks.
CPU time is that of driver, executors and their Python together. Prints ratios to the first number of
executors, of the best round each, no times: these processes share one machine, so a ratio says how the
work divides, not how fast a cluster is.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.measure import family_of, last_json

TASKS = 16
MEMORY_MB = 1024
TIMEOUT_S = 1800
SPARK = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.sql.shuffle.partitions": "2",
}
TICKS = os.sysconf("SC_CLK_TCK")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--executors", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--once", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.once:
        print(json.dumps(load_once(given.file, given.folder, given.once)))
    else:
        print(json.dumps(measure(given.file, given.folder, given.executors, rounds=given.rounds)))


def measure(file: Path, folder: Path, executors: Sequence[int], *, rounds: int) -> dict[str, Any]:
    """Ratios of wall and CPU time to those of `executors[0]`, by number of executors."""
    runs: dict[int, list[dict[str, Any]]] = {count: [] for count in executors}
    for _ in range(rounds):
        for count in executors:
            runs[count].append(_in_own_process(file, folder, count))
    loaded = {one["loaded"] for own in runs.values() for one in own}
    assert len(loaded) == 1, "not the same work"
    best = {
        count: {name: min(one[name] for one in own) for name in ("seconds", "cpu_s")}
        for count, own in runs.items()
    }
    first = best[executors[0]]
    return {
        "messages": loaded.pop(),
        "processors": len(os.sched_getaffinity(0)),
        "times as fast": {
            n: round(first["seconds"] / own["seconds"], 2) for n, own in best.items()
        },
        "CPU time": {n: round(own["cpu_s"] / first["cpu_s"], 2) for n, own in best.items()},
    }


def _in_own_process(file: Path, folder: Path, executors: int) -> dict[str, Any]:
    """A driver is a process of its own, as a JVM keeps what it has compiled."""
    command = [sys.executable, "-m", "benchmarks.executors", str(file), str(folder)]
    done = subprocess.run(
        [*command, "--once", str(executors)],
        check=True, capture_output=True, text=True, timeout=TIMEOUT_S,
    )  # fmt: skip
    return last_json(done.stdout)


def load_once(file: Path, folder: Path, executors: int) -> dict[str, Any]:
    """Seconds of wall and CPU time of one load, from listing the source to the summary."""
    from etl.lake.driver import load_lake
    from etl.lake.session import open_session
    from etl.pipeline import units
    from etl.pipeline.sources import Sources
    from etl.sections import LakeSettings
    from etl.settings import read_settings

    home = folder / f"home-{executors}"
    shutil.rmtree(home, ignore_errors=True)
    task_bytes = max(file.stat().st_size // TASKS, 2**16)
    units.UNIT_BYTES = task_bytes
    settings = read_settings(home).model_copy(update={"lake": LakeSettings(task_bytes=task_bytes)})
    os.environ.update(SPARK_LOCAL_IP="127.0.0.1", PYSPARK_PYTHON=sys.executable, TZ="UTC")
    with open_session(f"local-cluster[{executors},1,{MEMORY_MB}]", settings=SPARK) as spark:
        warm_up(spark, executors)
        listed = list(Sources({}).list([str(file)]))
        began, cpu_s = time.perf_counter(), family_cpu_s()
        summary = load_lake(settings, spark, listed).loaded
        seconds, cpu_s = time.perf_counter() - began, family_cpu_s() - cpu_s
    shutil.rmtree(home)
    return {"seconds": seconds, "cpu_s": cpu_s, "loaded": summary.loaded}


def warm_up(spark: Any, executors: int) -> None:
    """Wait until every executor is there, with Python started and the kernel imported."""
    while True:
        frame = spark.range(0, executors, 1, executors).mapInArrow(_who, "host string")
        if len({row.host for row in frame.collect()}) == executors:
            return
        time.sleep(0.5)


def _who(batches: Any) -> Any:
    import etl.lake.executor  # noqa: F401 - the import is what is waited for

    time.sleep(1.0)  # long enough that one executor does not take both
    for _ in batches:
        yield pa.RecordBatch.from_pydict({"host": [str(os.getppid())]})


def family_cpu_s() -> float:
    """CPU seconds of this process and all its living descendants, and of those they waited for."""
    return sum(map(_cpu_s, family_of(os.getpid())))


def _cpu_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS


if __name__ == "__main__":
    main()
