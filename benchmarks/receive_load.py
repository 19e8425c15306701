"""Measure the receiver beside a bare server of the same stack that stores nothing.

Both run under uvicorn with httptools and uvloop in one process each; `wrk` (Debian package `wrk`)
posts bodies of 4 KB and 200 KB over loopback, in turns, so that a busy machine disturbs both alike.

    python benchmarks/receive_load.py --seconds 5 --rounds 3 --connections 64
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SIZES = {"4 KB": 4_000, "200 KB": 200_000}
TOKEN = "load-test"
BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
async def take(request):
    await request.body()
    return PlainTextResponse("stored\\n")
app = Starlette(routes=[Route("/redox", take, methods=["POST"])])
uvicorn.run(app, port=int(sys.argv[1]), loop="uvloop", http="httptools", log_level="error",
            access_log=False)
"""
RECEIVER = "from etl.cli.main import main; main()"
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of the load generator saw."""

    messages_per_s: float
    median_ms: float
    p99_ms: float
    failed: int


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--folder", type=Path, help="where segments go (the disk to measure)")
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("The load generator wrk is not installed; install the package wrk.")
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        print(
            f"one fsync of 4 KB: {fsync_ms(Path(folder)):.2f} ms; {given.connections} connections"
        )
        with serve_bare() as bare, serve_receiver(Path(folder)) as receiver:
            print_table({"bare server": bare, "receiver": receiver}, given)


def print_table(urls: dict[str, str], given: argparse.Namespace) -> None:
    print(
        "| body | server | messages/s (min to max) | MB/s | median ms | 99 % ms | failed | ratio |"
    )
    print("|---|---|---:|---:|---:|---:|---:|---:|")
    for label, size_bytes in SIZES.items():
        runs: dict[str, list[Run]] = {name: [] for name in urls}
        for _ in range(given.rounds):
            for name, url in urls.items():
                runs[name].append(drive(url, size_bytes, given))
        rates = {name: statistics.median(r.messages_per_s for r in runs[name]) for name in urls}
        for name, rate in rates.items():
            median_ms = statistics.median(run.median_ms for run in runs[name])
            p99_ms = statistics.median(run.p99_ms for run in runs[name])
            failed = sum(run.failed for run in runs[name])
            found = [run.messages_per_s for run in runs[name]]
            spread = f"{rate:,.0f} ({min(found):,.0f} to {max(found):,.0f})"
            print(f"| {label} | {name} | {spread} | {rate * size_bytes / 1e6:,.0f} "
                  f"| {median_ms:.1f} | {p99_ms:.1f} | {failed} "
                  f"| {rate / rates['bare server']:.2f} |")  # fmt: skip


def drive(url: str, size_bytes: int, given: argparse.Namespace) -> Run:
    """Let wrk post bodies of one size for a while."""
    script = (
        f'wrk.method = "POST"\nwrk.headers["verification-token"] = "{TOKEN}"\n'
        f'wrk.body = string.rep("x", {size_bytes})\n'
    )
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t1", f"-c{given.connections}", f"-d{given.seconds}s", "--latency",
                   "-s", file.name, url]  # fmt: skip
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return read_wrk(output)


def read_wrk(output: str) -> Run:
    def find(pattern: str) -> tuple[str, ...]:
        found = re.search(pattern, output)
        return found.groups() if found else ("0",)

    def milliseconds(percentile: int) -> float:
        number, unit = find(rf"{percentile}%\s+([\d.]+)(us|ms|s)")
        return float(number) * UNITS[unit]

    failed = find(r"Non-2xx or 3xx responses: (\d+)")
    return Run(
        messages_per_s=float(find(r"Requests/sec:\s+([\d.]+)")[0]),
        median_ms=milliseconds(50),
        p99_ms=milliseconds(99),
        failed=int(failed[0]),
    )


@contextmanager
def serve_bare() -> Iterator[str]:
    port = free_port()
    with running([sys.executable, "-c", BARE, str(port)], os.environ, port):
        yield f"http://127.0.0.1:{port}/redox"


@contextmanager
def serve_receiver(folder: Path) -> Iterator[str]:
    port = free_port()
    chosen = {"TOKENS": TOKEN, "PORT": str(port), "MIN_FREE_BYTES": "0"}
    environment = {f"REDOX_WAREHOUSE_RECEIVE__{name}": value for name, value in chosen.items()}
    environment["REDOX_WAREHOUSE_HOME"] = str(folder / "home")
    with running([sys.executable, "-c", RECEIVER, "receive"], {**os.environ, **environment}, port):
        yield f"http://127.0.0.1:{port}/redox"


@contextmanager
def running(
    command: list[str], environment: os._Environ[str] | dict[str, str], port: int
) -> Iterator[None]:
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


def wait_for(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("A server did not start; run it by hand to see why.")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def fsync_ms(folder: Path) -> float:
    """The median time of one append with fsync, without any server."""
    times = []
    with (folder / "probe").open("ab", buffering=0) as file:
        for _ in range(50):
            started = time.perf_counter()
            file.write(b"x" * 4096)
            os.fdatasync(file.fileno())
            times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    main()
