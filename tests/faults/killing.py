"""Commands that run over and over and are killed now and then, as machines and people do."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

RUN = [sys.executable, "-m", "etl.cli"]


@contextmanager
def killed_now_and_then(
    arguments: list[str],
    environment: dict[str, str],
    *,
    every_s: float,
    stop: threading.Event,
    slower: float = 1.0,
) -> Iterator[list[int]]:
    """Run a command over and over; kill it with -9 about every so many seconds.

    `slower` stretches that with every kill, so that also a busy machine gets something done.
    """
    kills: list[int] = []

    def run() -> None:
        rng = random.Random(every_s)
        while not stop.is_set():
            process = subprocess.Popen(
                [*RUN, *arguments], env=environment, start_new_session=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            pause_s = every_s * slower ** len(kills)
            deadline = time.monotonic() + pause_s * rng.uniform(0.5, 1.5)
            while process.poll() is None and time.monotonic() < deadline and not stop.is_set():
                time.sleep(0.05)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                kills.append(process.wait())

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield kills
    finally:
        stop.set()
        thread.join()
