"""A real receiver in its own process, and what it left on disk."""

import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from etl.framing.segments import scan_segment

TOKEN = "first-token-4711"
OTHER_TOKEN = "second-token-0815"
START = "from etl.cli.main import main; main()"
WEB = httpx.Client(verify=False, limits=httpx.Limits(max_keepalive_connections=0), timeout=30)
"""Plain loopback HTTP; one client, because each new one reads all certificates."""
LISTENING = re.compile(r"listening on (http://\S+)")


@dataclass
class RunningReceiver:
    """A receiver process; `url` is where Redox would post to."""

    process: subprocess.Popen[bytes]
    home: Path
    log_path: Path
    url: str = ""
    headers: dict[str, str] = field(default_factory=lambda: {"verification-token": TOKEN})

    @property
    def base(self) -> str:
        return self.url.rsplit("/", 1)[0]

    @property
    def address(self) -> tuple[str, int]:
        url = httpx.URL(self.url)
        return url.host, url.port or 80

    @property
    def incoming(self) -> Path:
        return self.home / "incoming"

    @property
    def log(self) -> str:
        return self.log_path.read_text("utf-8", "replace")

    def post(
        self, body: bytes = b"{}", *, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        return WEB.post(
            self.url, content=body, headers=self.headers if headers is None else headers
        )

    def get(self, path: str) -> httpx.Response:
        return WEB.get(f"{self.base}{path}")

    def metric(self, name: str) -> float:
        found = re.search(rf"^redox_warehouse_receive_{re.escape(name)} (\S+)$",
                          self.get("/metrics").text, re.MULTILINE)  # fmt: skip
        assert found, name
        return float(found[1])

    def limit_file_size(self, size_bytes: int) -> None:
        """Make every write beyond so many bytes of a file fail, as a full disk would."""
        _soft, hard = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        limits = (size_bytes if size_bytes >= 0 else hard, hard)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, limits)

    def stop(self) -> int:
        """Stop as systemd does; gives the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=30)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=30)

    def on_disk(self, pattern: str = "*[gn]") -> Counter[bytes]:
        """Count the bodies in the segments, by default also in the open one."""
        return stored_bodies(self.incoming, pattern)


def stored_bodies(incoming: Path, pattern: str = "*.seg") -> Counter[bytes]:
    bodies: Counter[bytes] = Counter()
    for path in sorted(incoming.glob(pattern)):
        content = path.read_bytes()
        items = scan_segment([content]).items
        bodies.update(
            content[offset : offset + length]
            for offset, length in zip(items.offset, items.length, strict=True)
        )
    return bodies


def wait_until(is_true: Callable[[], object], *, timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


def launch(
    home: Path, *, prefix: tuple[str, ...] = (), start: str = START, **settings: object
) -> RunningReceiver:
    """Start a receiver without waiting for it. Settings are those of the section `receive`."""
    home.mkdir(exist_ok=True)
    log_path = home.parent / f"{home.name}.log"
    given = {"tokens": f"{TOKEN} {OTHER_TOKEN}", "port": 0, "min_free_bytes": 0, **settings}
    environment = {name: value for name, value in os.environ.items() if "REDOX" not in name}
    environment |= {f"REDOX_WAREHOUSE_RECEIVE__{key.upper()}": str(v) for key, v in given.items()}
    environment["REDOX_WAREHOUSE_HOME"] = str(home)
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [*prefix, sys.executable, "-c", start, "receive"],
            env=environment,
            stderr=log,
            stdout=log,
        )
    return RunningReceiver(process, home, log_path)


def wait_for_address(receiver: RunningReceiver, *, log_start: int = 0) -> RunningReceiver:
    def found() -> bool:
        assert receiver.process.poll() is None, receiver.log
        match = LISTENING.search(receiver.log[log_start:])
        receiver.url = match[1] if match else ""
        return bool(match)

    wait_until(found)
    return receiver


Starter = Callable[..., RunningReceiver]
