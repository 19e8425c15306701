"""Trouble is said once by webhook and e-mail, without a word about patients, and so is its end."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import dagster as dg
import pytest

from etl.errors import PermanentError
from etl.orchestration import loading
from etl.orchestration.alerts import describe_change
from etl.orchestration.notices import PAYLOADS, Notice
from etl.sections import AlertSettings
from tests.orchestration.dagster_world import DagsterWorld
from tests.pipeline.small_messages import make_patient

CANARY = "Zebulonsky"


class Hook(HTTPServer):
    """A webhook that keeps what is posted and answers `status`."""

    posted: list[dict[str, Any]]
    status = 200


class _Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.server.status == 200:
            self.server.posted.append(json.loads(body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


class Mailbox(socketserver.ThreadingTCPServer):
    """A mail server that keeps the texts of what it is given."""

    allow_reuse_address = True
    texts: list[str]


class _MailHandler(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        self.wfile.write(b"220 stand-in\r\n")
        while line := self.rfile.readline():
            word = line.split()[0].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                self.server.texts.append(b"".join(self._lines()).decode())
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return

    def _lines(self) -> Iterator[bytes]:
        while (line := self.rfile.readline()) != b".\r\n":
            yield line


@contextmanager
def running(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    server = Hook(("127.0.0.1", 0), _Handler)
    server.posted = []
    with running(server):
        url = f"http://127.0.0.1:{server.server_port}/secret-path"
        monkeypatch.setenv("REDOX_WAREHOUSE_ALERTS__WEBHOOK_URL", url)
        yield server


def put_bad_batch(world: DagsterWorld, name: str, dob: str) -> None:
    lines = [make_patient(f"{name}-{n}", {"DOB": dob, "LastName": CANARY}) for n in range(5)]
    world.put(f"{CANARY}-{name}.ndjson", b"".join(json.dumps(m).encode() + b"\n" for m in lines))


def test_a_red_check_and_a_failed_job_are_said_once_and_so_is_their_end(
    world: DagsterWorld, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDOX_WAREHOUSE_ALERTS__DAGSTER_URL", "https://dagster.example")
    put_bad_batch(world, "bad", "1984-02-30")
    world.run_what_sensor_asks()
    world.run("publish")
    world.tick("alerts")
    world.tick("alerts")
    put_bad_batch(world, "good", "1984-02-28")
    world.run_what_sensor_asks()
    world.run("publish")
    world.tick("alerts")
    world.tick("alerts")

    begun, over = (post["text"] for post in hook.posted)
    assert "check errors_within_limit of redox/patient_admin: " in begun
    assert "https://dagster.example/assets/redox/patient_admin?view=checks" in begun
    assert "job publish: Nothing was published because PatientAdmin" in begun
    assert "check errors_within_limit of redox/patient_admin is OK again" in over
    assert "job publish is OK again" in over
    assert CANARY not in begun + over


def test_an_alert_that_cannot_be_sent_is_sent_by_the_next_look(
    world: DagsterWorld, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise PermanentError("Something is out of order; set it right.")

    monkeypatch.setattr(loading, "run_load", fail)
    world.run("load")
    hook.status = 500
    with pytest.raises(dg.Failure) as caught:
        world.tick("alerts")
    hook.status = 200
    world.tick("alerts")

    assert "answered 500" in str(caught.value.description)
    assert "secret-path" not in str(caught.value.description)
    (post,) = hook.posted
    assert "job load: Something is out of order; set it right." in post["text"]


def test_alerts_go_by_mail(world: DagsterWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    mailbox = Mailbox(("127.0.0.1", 0), _MailHandler)
    mailbox.texts = []
    with running(mailbox):
        section = {
            "email_to": ["ops@example.org"],
            "email_from": "warehouse@example.org",
            "smtp_host": "127.0.0.1",
            "smtp_port": mailbox.server_address[1],
            "smtp_security": "none",
        }
        monkeypatch.setenv("REDOX_WAREHOUSE_ALERTS", json.dumps(section))
        put_bad_batch(world, "bad", "1984-02-30")
        world.run_what_sensor_asks()
        world.tick("alerts")

    (text,) = mailbox.texts
    assert "Subject: redox-warehouse: 1 new problem" in text
    assert "To: ops@example.org" in text
    assert CANARY not in text


def test_a_killed_run_is_nobodys_business_until_its_third_attempt(
    world: DagsterWorld, hook: Hook
) -> None:
    for attempt in (1, 2, 3):
        run = world.instance.create_run_for_job(
            world.definitions.resolve_job_def("load"),
            tags={"redox_warehouse/attempt": str(attempt), "dagster/max_retries": "0"},
        )
        world.instance.report_run_failed(run)
        world.tick("alerts")
        assert len(hook.posted) == (attempt == 3)


@pytest.mark.parametrize("kind", PAYLOADS)
def test_every_service_gets_title_and_lines(kind: str) -> None:
    payload = json.dumps(PAYLOADS[kind](Notice("A title", ("One line", "Another"))))

    assert all(text in payload for text in ("A title", "One line", "Another"))


def test_nothing_is_said_when_nothing_changed() -> None:
    assert describe_change({"job load": "a"}, {"job load": "b"}) is None


@pytest.mark.parametrize(
    "section",
    [
        {"webhook_url": "http://hooks.example.org/x"},
        {"email_to": ["a@example.org"]},
        {
            "email_to": ["a@example.org"],
            "email_from": "b@example.org",
            "smtp_host": "mail.example.org",
            "smtp_security": "none",
        },
    ],
)
def test_what_would_go_over_the_net_in_plain_is_refused(section: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        AlertSettings(**section)
