"""How long a load holds the warehouse, and how long a reader waits for it.

    python -m benchmarks.lock_wait FILE FOLDER --threads 2

A home with a few messages takes a load of FILE, while `redox-warehouse show` prints one of them
again and again. Locks are watched from outside, in the kernel's own list (/proc/locks), so that
watching disturbs nothing. Prints JSON: seconds of the load, `figures` beside it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from threading import Event, Thread

from benchmarks.measure import family_of, last_json
from benchmarks.workloads import CLI

LOCKS = Path("/proc/locks")
LOOK_S = 0.001
FIRST_MESSAGES = 10
IDLE_SHOWS = 3
TIMEOUT_S = 1800
# what the figure is called -> the file that is locked, below the home
WATCHED = {"write lock held": "warehouse.duckdb.lock", "open for writing": "warehouse.duckdb"}


class LockWatch:
    """Adds up how long processes hold exclusive locks on files, looking every millisecond."""

    def __init__(self, files: dict[str, Path]) -> None:
        self.seconds = dict.fromkeys(files, 0.0)
        self._files = files

    def run(self, pid: int, is_over: Event) -> None:
        """Watch the locks of a process and its descendants until it is over."""
        before = time.perf_counter()
        family, families_at = family_of(pid), before
        while not is_over.wait(LOOK_S):
            now = time.perf_counter()
            if now - families_at > 0.1:
                family, families_at = family_of(pid), now
            held = set(exclusive_locks(LOCKS.read_text(), family))
            for name, file in self._files.items():
                if file.exists() and file.stat().st_ino in held:
                    self.seconds[name] += now - before
            before = now


def exclusive_locks(listing: str, pids: Sequence[int]) -> Iterator[int]:
    """The inodes on which one of the processes holds a lock for writing."""
    wanted = {str(pid) for pid in pids}
    for line in listing.splitlines():
        fields = line.split()
        if "->" not in fields and len(fields) > 5 and fields[3] == "WRITE" and fields[4] in wanted:
            yield int(fields[5].rpartition(":")[2])


@contextmanager
def watched(pid: int, files: dict[str, Path]) -> Iterator[LockWatch]:
    """A watch that runs beside what is done here."""
    watch, is_over = LockWatch(files), Event()
    thread = Thread(target=watch.run, args=(pid, is_over))
    thread.start()
    try:
        yield watch
    finally:
        is_over.set()
        thread.join()


def show_s(home: Path) -> float:
    """Seconds of one `show`, from its start to its exit."""
    started = time.perf_counter()
    subprocess.run(
        [*CLI, "--home", str(home), "show", "0"],
        check=True,
        stdout=subprocess.DEVNULL,
        timeout=TIMEOUT_S,
    )
    return time.perf_counter() - started


def measure(file: Path, folder: Path) -> dict[str, object]:
    """Load a file into a home that has messages, beside a reader."""
    home, first = folder / "home", folder / "first.ndjson"
    with file.open("rb") as lines:
        first.write_bytes(
            b"".join(line for _, line in zip(range(FIRST_MESSAGES), lines, strict=False))
        )
    load = [*CLI, "--home", str(home), "load", "--json"]
    subprocess.run([*load, str(first)], check=True, stdout=subprocess.DEVNULL, timeout=TIMEOUT_S)
    idle = [show_s(home) for _ in range(IDLE_SHOWS)]
    started = time.perf_counter()
    shows = []
    with subprocess.Popen([*load, str(file)], stdout=subprocess.PIPE) as process:
        with watched(process.pid, {n: home / f for n, f in WATCHED.items()}) as watch:
            reader = Thread(target=_read_meanwhile, args=(process, home, shows))
            reader.start()
            printed = process.stdout.read() if process.stdout else b""
            process.wait(timeout=TIMEOUT_S)
        seconds = time.perf_counter() - started
        reader.join()
    if process.returncode not in (0, 3):
        raise SystemExit("The load failed; run it by hand to see why.")
    figures = watch.seconds | {
        "show, idle": median(idle),
        "show, beside the load": median(shows),
        "show, longest": max(shows),
    }
    return {
        "messages": last_json(printed.decode())["received"],
        "seconds": seconds,
        "figures": figures,
    }


def _read_meanwhile(process: subprocess.Popen[bytes], home: Path, shows: list[float]) -> None:
    """Show a message as long as the load runs, once at least."""
    shows.append(show_s(home))
    while process.poll() is None:
        shows.append(show_s(home))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure once and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args(arguments)
    if not LOCKS.exists():
        sys.exit("Locks cannot be watched here: there is no /proc/locks; measure on Linux.")
    print("\n" + json.dumps(measure(given.file, given.folder)))


if __name__ == "__main__":
    main()
