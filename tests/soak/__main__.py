"""`make soak`: rounds until the time is over; stop it whenever you like, the next call goes on.

Ends with 1 as soon as a round lost or doubled a message.
"""

from __future__ import annotations

import argparse
import socket
import sys
import time
from pathlib import Path

from tests.soak.rounds import Soak


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--round-s", type=float, default=120, help="deliveries between two counts")
    parser.add_argument("--kill-every-s", type=float, default=6)
    parser.add_argument("--folder", type=Path, default=Path(".soak"))
    given = parser.parse_args()
    soak = Soak(given.folder.absolute(), port=unused_port())
    until = time.monotonic() + 60 * given.minutes
    while time.monotonic() < until:
        figures = soak.run_round(seconds=given.round_s, every_s=given.kill_every_s)
        print(figures, flush=True)
        if figures.lost or figures.doubled or figures.unpublished:
            return 1
    return 0


def unused_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
