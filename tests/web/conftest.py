"""Receivers for the tests: one's own, or one shared by a module."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_receiver import (
    TOKEN,
    RunningReceiver,
    Starter,
    launch,
    wait_for_address,
    wait_until,
)

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def start_receiver(tmp_path: Path) -> Iterator[Starter]:
    """Start receivers that end with the test."""
    started: list[RunningReceiver] = []

    def start(**settings: object) -> RunningReceiver:
        home = Path(str(settings.pop("home", tmp_path / "home")))
        log_path = home.parent / f"{home.name}.log"
        log_start = len(log_path.read_text("utf-8", "replace")) if log_path.exists() else 0
        receiver = launch(home, **settings)  # type: ignore[arg-type]
        started.append(receiver)
        return wait_for_address(receiver, log_start=log_start)

    yield start
    for receiver in started:
        receiver.process.kill()
        receiver.process.wait()


@pytest.fixture(scope="module")
def shared_receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningReceiver]:
    """One receiver for the tests of a module that neither stop nor break it."""
    folder = tmp_path_factory.mktemp("receiver")
    receiver = wait_for_address(
        launch(folder / "home", max_body_bytes=2**20, in_flight_bytes=2**22)
    )
    yield receiver
    receiver.kill()


@pytest.fixture
def without_root_powers() -> tuple[str, ...]:
    """A command prefix under which file permissions bind root too."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root without setpriv: permissions do not bind")
    powers = "-dac_override,-dac_read_search"
    return ("setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}")


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Path]:
    """nginx with the documented site on port 8443 of loopback, in a folder of its own."""
    tools = [shutil.which(name) for name in ("nginx", "openssl")]
    if None in tools:
        pytest.skip("nginx and openssl are needed to try the documented proxy")
    make_certificate(tmp_path)
    site = (DOCS / "deploy/nginx.conf").read_text()
    site = re.sub(r"/etc/ssl/redox/|/var/log/nginx/|/etc/nginx/", f"{tmp_path}/", site)
    (tmp_path / "redox-tokens.map").write_text(f'"{TOKEN}" 1;\n"Bearer {TOKEN}" 1;\n')
    (tmp_path / "site.conf").write_text(site.replace("listen 443", "listen 127.0.0.1:8443"))
    temporary = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; daemon off; error_log {tmp_path}/main.log; "
        "worker_rlimit_nofile 16384; events { worker_connections 8192; }"
        f"http {{ {temporary} include {tmp_path}/site.conf; }}"
    )
    process = subprocess.Popen(["nginx", "-e", "stderr", "-c", str(tmp_path / "nginx.conf")])
    wait_until((tmp_path / "pid").exists)
    yield tmp_path
    process.send_signal(signal.SIGTERM)
    process.wait(timeout=30)


def make_certificate(folder: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1",
         "-subj", "/CN=redox.example.org", "-keyout", folder / "privkey.pem",
         "-out", folder / "fullchain.pem"],
        check=True, capture_output=True,
    )  # fmt: skip
