"""How much time work takes, whatever else the process holds and the machine does.

Collecting the garbage of thousands of earlier tests within one reading takes longer than the
reading: the collector rests while the time is taken, and the quickest of a few tries counts.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable


def least_seconds(work: Callable[[], object], *, tries: int = 3) -> float:
    """Return the least processor time, in seconds, that `work` takes in this thread."""
    return min(_seconds(work) for _ in range(tries))


def _seconds(work: Callable[[], object]) -> float:
    gc.disable()
    try:
        started = time.thread_time()
        work()
        return time.thread_time() - started
    finally:
        gc.enable()
