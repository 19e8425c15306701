"""The sending side of the stand-in behaves as Redox documents its deliveries."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from typing import Any

import pytest

from tests.standin.messages import make_message
from tests.standin.sender import RETRY_S, NotVerified, Subscription

TOKEN = "a-token"


class Webhook(BaseHTTPRequestHandler):
    """Answers with the statuses it was given, then 200; remembers what came."""

    protocol_version = "HTTP/1.1"
    statuses: list[int]
    came: list[dict[str, Any]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        challenge = body.get("challenge")
        if challenge is None:
            self.came.append(body | {"token": self.headers.get("verification-token")})
        self._answer(challenge or "")

    def do_GET(self) -> None:
        self._answer(self.path)

    def _answer(self, text: str) -> None:
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def webhook(*statuses: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    handler = type("Handler", (Webhook,), {"statuses": list(statuses), "came": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", handler.came  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def log_ids(came: list[dict[str, Any]]) -> list[str]:
    return [message["Meta"]["Logs"][0]["ID"] for message in came]


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_the_handshake_wants_its_challenge_back(method: str) -> None:
    with webhook() as (url, _):
        Subscription(url, TOKEN).verify(method)
    with webhook(403) as (url, _), pytest.raises(NotVerified, match="403"):
        Subscription(url, TOKEN).verify(method)


def test_messages_come_in_order_with_the_token() -> None:
    messages = [make_message(number) for number in range(20)]
    with webhook() as (url, came):
        delivered = Subscription(url, TOKEN).deliver(messages)
    assert log_ids(came) == delivered.log_ids == log_ids(messages)
    assert {message["token"] for message in came} == {TOKEN}


@pytest.mark.parametrize("failure", [0, 201, 400, 503])
def test_a_failed_message_is_sent_again_before_the_next(failure: int) -> None:
    messages = [make_message(number) for number in range(3)]
    with webhook(200, failure, failure) as (url, came):
        delivered = Subscription(url, TOKEN, time_scale=0.0001).deliver(messages)
    first, second, third = log_ids(messages)
    assert delivered.log_ids == [first, second, third]
    assert log_ids(came) == [first, second, second, second, third]
    attempts = [message["Meta"]["Logs"][0]["AttemptID"] for message in came]
    assert len(set(attempts)) == 5
    times = [message["Meta"]["EventDateTime"] for message in came]
    assert times == sorted(times)
    assert came[1]["Patient"] == came[3]["Patient"]


def test_an_answer_that_is_lost_brings_the_message_again() -> None:
    messages = [make_message(number) for number in range(30)]
    with webhook() as (url, came):
        sender = Subscription(url, TOKEN, time_scale=0.0001, lost_answers=0.3)
        delivered = sender.deliver(messages)
    assert delivered.log_ids == log_ids(messages)
    assert len(came) == delivered.attempts > 30
    assert delivered.failures["answer_lost"] == delivered.attempts - 30


def test_a_stopped_sender_ends_while_it_retries() -> None:
    with webhook(*[503] * 1000) as (url, _):
        sender = Subscription(url, TOKEN, time_scale=0.001)
        threading.Timer(0.1, sender.stop.set).start()
        assert sender.deliver([make_message(1)]).log_ids == []


def test_the_retry_schedule_is_the_documented_one() -> None:
    assert RETRY_S[:3] == (0, 10, 10)
    assert [later - sooner for sooner, later in pairwise(RETRY_S[2:])] == [10, 10, 20, 30, 40]
