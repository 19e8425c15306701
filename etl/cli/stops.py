"""Ends a command that is asked to stop: it cleans up, says one sentence, and ends by its signal.

In force before anything heavy is imported, so nothing heavy is imported here. What a stop says is
in `etl.cli.main`; the receiver has its own way to end (`etl.web.server`).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SENTENCE = "redox-warehouse: Stopped; run the command again to resume."
CLEANED_WITHIN_S = 10.0
"""DuckDB 2.0.1 may wait for the end of a query that the exception of a stop came into."""


class Terminated(SystemExit):
    """Raised by SIGTERM and SIGHUP, as KeyboardInterrupt is by Ctrl-C; event loops let it pass."""


_received: list[int] = []


def heed_stops() -> None:
    """From now on a stop is an exception; a signal that the caller has us ignore stays ignored."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _raise_stop)


def _raise_stop(number: int, _frame: FrameType | None) -> NoReturn:
    _received.append(number)
    for one in SIGNALS:  # who asks twice does not want to wait
        if signal.getsignal(one) is _raise_stop:
            signal.signal(one, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process, as a kill might
    signal.setitimer(signal.ITIMER_REAL, CLEANED_WITHIN_S)
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise Terminated(128 + number)


@contextmanager
def held_stops() -> Iterator[None]:
    """Let a stop wait until the end: an exception amid the import of compiled code is an abort."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


@contextmanager
def recognized_stops() -> Iterator[None]:
    """Raise KeyboardInterrupt for whatever a library made of the exception of a stop."""
    try:
        yield
    except BaseException:
        if _received:
            raise KeyboardInterrupt from None
        raise


def forget_stop() -> None:
    """Go on after Ctrl-C, as a prompt does."""
    if _received:
        signal.setitimer(signal.ITIMER_REAL, 0)
        _received.clear()
        heed_stops()


def stop_code() -> int:
    """Return 128 and the number of the signal that came, 1 when none came."""
    return 128 + _received[0] if _received else 1


def say_stopped() -> None:
    """Print that the command was stopped; where nobody listens any more, nothing."""
    try:
        print(SENTENCE, file=sys.stderr, flush=True)
    except OSError:  # a terminal that was closed
        return


def end_by_signal() -> None:
    """End as the signal would have ended us, so that shells and systemd see what it was.

    Returns where nothing came, or where the system lets no signal end us, as in a container.
    """
    if _received:
        signal.signal(_received[0], signal.SIG_DFL)
        os.kill(os.getpid(), _received[0])
