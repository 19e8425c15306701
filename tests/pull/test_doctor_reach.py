"""`doctor` contacts the sources that are set up, once and briefly."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from etl.doctor.reach import check_reach
from etl.doctor.records import Check
from etl.settings import Settings, read_settings
from tests.pull.builders import make_home
from tests.standin.redox import StandIn


def reach(settings: Settings) -> dict[str, Check]:
    return {check.name: check for check in check_reach(settings)}


@pytest.fixture
def receiver() -> Iterator[HTTPServer]:
    """Answers /readyz with its `status`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_known = self.path == "/readyz"
            self.send_response(self.server.status if is_known else 404)  # type: ignore[attr-defined]
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def test_nothing_set_up_is_not_asked(tmp_path: Path) -> None:
    assert reach(read_settings(tmp_path)) == {}


def test_a_login_that_works_and_one_that_is_refused(tmp_path: Path, standin: StandIn) -> None:
    assert reach(make_home(tmp_path, standin))["pull login"].state == "ok"

    refused = reach(make_home(tmp_path, standin, secret="Zk9wrong"))["pull login"]

    assert refused.state == "fail"
    assert "Redox refused the login" in refused.action
    assert "Zk9wrong" not in refused.action


def test_a_key_file_that_is_no_key_is_told(tmp_path: Path) -> None:
    key_file = tmp_path / "key.pem"
    key_file.write_text("no key")
    login = {"client_id": "c", "key_id": "k", "private_key_file": str(key_file)}

    assert reach(read_settings(tmp_path, pull=login))["pull login"].state == "fail"


@pytest.mark.parametrize(("status", "state"), [(200, "ok"), (503, "fail")])
def test_the_webhook_is_asked_whether_it_is_ready(
    tmp_path: Path, receiver: HTTPServer, status: int, state: str
) -> None:
    receiver.status = status  # type: ignore[attr-defined]
    section = {"tokens": "t", "host": "0.0.0.0", "port": receiver.server_port}

    assert reach(read_settings(tmp_path, receive=section))["webhook answers"].state == state


def test_a_webhook_that_does_not_run_is_told(tmp_path: Path, receiver: HTTPServer) -> None:
    receiver.server_close()
    section = {"tokens": "t", "port": receiver.server_port}

    check = reach(read_settings(tmp_path, receive=section))["webhook answers"]

    assert (check.state, "redox-warehouse receive" in check.action) == ("warn", True)


@pytest.mark.parametrize(
    ("url", "state"),
    [
        ("memory://doctor/feed/", "ok"),
        ("memory://doctor/feed/*.json", "ok"),
        ("memory://nowhere/feed/", "warn"),
        ("s4://bucket/feed/", "fail"),
    ],
)
def test_a_bucket_is_looked_at(tmp_path: Path, url: str, state: str) -> None:
    import fsspec

    fsspec.filesystem("memory").pipe("/doctor/feed/a.json", b"{}")
    settings = read_settings(tmp_path, watch={"paths": [url]})

    assert reach(settings)["watched path 1 answers"].state == state
