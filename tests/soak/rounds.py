"""Rounds of a soak: deliveries while everything is killed now and then, then a count of what is there.

All state is in one folder, so a soak goes on where it was stopped: the home, the log ids that were
acknowledged (`acknowledged.txt`, written as they come) and a line of figures per round.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from etl.pipeline.disk_use import measure_disk_use
from etl.pipeline.load import load_paths
from etl.pipeline.publish import publish
from etl.settings import read_settings
from etl.warehouse.connection import open_warehouse
from tests.faults.killing import RUN, killed_now_and_then
from tests.standin.messages import make_message
from tests.standin.sender import Subscription

TOKEN = "synthetic-token"
SEGMENT_AGE_S = 2
KILLED = ("receive", "load", "publish", "compact", "reload")
"""Commands that run beside each other, each killed about every `every_s` seconds."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One round: what was acknowledged, killed, found lost or doubled, and how large the home is.

    `load_s` is how long a load of the 100 messages of the round's end took, which must stay flat.
    """

    at: str
    seconds: int
    acknowledged: int
    attempts: int
    kills: int
    lost: int
    doubled: int
    unpublished: int
    messages: int
    load_s: float
    warehouse_mb: float
    home_mb: float


class Soak:
    """A soak in a folder, at a port of loopback."""

    def __init__(self, folder: Path, *, port: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.settings = read_settings(folder / "home")
        self._port = port
        self._acknowledged = folder / "acknowledged.txt"
        self._figures = folder / "figures.csv"
        (self.settings.home / "incoming").mkdir(parents=True, exist_ok=True)

    def run_round(
        self,
        *,
        seconds: float,
        every_s: float,
        most: int = 10**9,
        commands: Sequence[str] = KILLED,
        slower: float = 1.0,
    ) -> Figures:
        """Deliver for so many seconds, at most so many messages, then count; appends the figures.

        `slower` stretches the time between kills with each of them.
        """
        started = time.monotonic()
        stop, known = threading.Event(), len(self._known())
        subscription = Subscription(
            f"http://127.0.0.1:{self._port}/redox",
            TOKEN,
            time_scale=0.02,
            lost_answers=0.02,
            stop=stop,
        )
        sender = threading.Thread(
            target=subscription.deliver, args=(self._messages(known, most, subscription),)
        )
        killing = threading.Event()
        with ExitStack() as stack:
            kills = [
                stack.enter_context(
                    killed_now_and_then(
                        self._arguments(name),
                        self._environment(),
                        every_s=every_s + n,
                        stop=killing,
                        slower=slower,
                    )
                )
                for n, name in enumerate(commands)
            ]
            sender.start()
            sender.join(seconds)
            stop.set()
            sender.join()
            killing.set()
        self._note(subscription.delivered.log_ids)
        self._close_segments()
        figures = self._count(
            seconds=time.monotonic() - started,
            acknowledged=len(subscription.delivered.log_ids),
            attempts=subscription.delivered.attempts,
            kills=sum(map(len, kills)),
        )
        self._append(figures)
        return figures

    def _messages(
        self, known: int, most: int, subscription: Subscription
    ) -> Iterator[dict[str, Any]]:
        """New messages; what was acknowledged is noted at once, so that a stopped soak knows it."""
        noted = 0
        for number in range(known, known + most):
            yield make_message(number)
            delivered = subscription.delivered.log_ids
            self._note(delivered[noted:])
            noted = len(delivered)

    def _known(self) -> list[str]:
        return self._acknowledged.read_text().split() if self._acknowledged.exists() else []

    def _note(self, log_ids: list[str]) -> None:
        known = set(self._known()[-len(log_ids) - 1 :])
        with self._acknowledged.open("a") as file:
            file.writelines(f"{log_id}\n" for log_id in log_ids if log_id not in known)

    def _arguments(self, name: str) -> list[str]:
        return [name, str(self.settings.incoming_path)] if name == "load" else [name]

    def _environment(self) -> dict[str, str]:
        return os.environ | {
            "REDOX_WAREHOUSE_HOME": str(self.settings.home),
            "REDOX_WAREHOUSE_RECEIVE__TOKENS": TOKEN,
            "REDOX_WAREHOUSE_RECEIVE__PORT": str(self._port),
            "REDOX_WAREHOUSE_RECEIVE__SEGMENT_AGE_S": str(SEGMENT_AGE_S),
            "REDOX_WAREHOUSE_RECEIVE__MIN_FREE_BYTES": "0",
        }

    def _close_segments(self) -> None:
        """Let a receiver close what killed ones left open, then end it as systemd does."""
        receiver = subprocess.Popen(
            [*RUN, "receive"], env=self._environment(), stderr=subprocess.DEVNULL
        )
        until = time.monotonic() + 60
        while list(self.settings.incoming_path.glob("*.open")) and time.monotonic() < until:
            time.sleep(0.2)
        time.sleep(SEGMENT_AGE_S)
        receiver.send_signal(signal.SIGTERM)
        receiver.wait(timeout=60)

    def _count(self, *, seconds: float, acknowledged: int, attempts: int, kills: int) -> Figures:
        load_paths(self.settings, [str(self.settings.incoming_path)])
        began = time.monotonic()
        load_paths(self.settings, [str(self._hundred())])
        load_s = time.monotonic() - began
        publish(self.settings)
        loaded = _log_ids(self.settings.warehouse_path)
        views = self.settings.published_path / "current" / "warehouse.duckdb"
        published = set(_log_ids(views.resolve()))
        wanted, disk = set(self._known()), measure_disk_use(self.settings)
        return Figures(
            at=f"{datetime.now(UTC):%Y-%m-%d %H:%M}",
            seconds=round(seconds),
            acknowledged=acknowledged,
            attempts=attempts,
            kills=kills,
            lost=len(wanted - set(loaded)),
            doubled=len(loaded) - len(set(loaded)),
            unpublished=len(wanted - published),
            messages=len(loaded),
            load_s=round(load_s, 2),
            warehouse_mb=round(disk.parts["warehouse"] / 1e6, 1),
            home_mb=round(disk.total / 1e6, 1),
        )

    def _hundred(self) -> Path:
        """A file of 100 messages that no round has had."""
        path = self._figures.with_name("hundred.ndjson")
        first = 10**9 + time.time_ns() // 10**6
        lines = (json.dumps(make_message(first + number)) for number in range(100))
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    def _append(self, figures: Figures) -> None:
        is_new = not self._figures.exists()
        with self._figures.open("a", newline="") as file:
            writer = csv.DictWriter(file, [one.name for one in fields(Figures)])
            if is_new:
                writer.writeheader()
            writer.writerow(asdict(figures))


def _log_ids(database: Path) -> list[str]:
    with open_warehouse(database, read_only=True) as connection:
        return [row[0] for row in connection.execute("select log_id from core.message").fetchall()]
