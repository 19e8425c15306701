"""Progress of a long load in the run's log: a line now and then, in numbers."""

from __future__ import annotations

import logging
import time
from collections import defaultdict

from etl.pipeline.records import Progress

EVERY_S = 30.0


def log_progress(log: logging.Logger, every_s: float = EVERY_S) -> Progress:
    """A reporter that logs at most one line in `every_s` seconds."""
    messages: dict[str, int] = defaultdict(int)
    size_bytes: dict[str, int] = defaultdict(int)
    last = time.monotonic()

    def report(step: str, more_messages: int, more_bytes: int) -> None:
        nonlocal last
        messages[step] += more_messages
        size_bytes[step] += more_bytes
        now = time.monotonic()
        if now - last >= every_s:
            last = now
            log.info(
                f"{step}: {messages[step]:,} messages, {size_bytes[step] / 1e6:,.0f} MB so far"
            )

    return report
