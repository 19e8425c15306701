"""The sending side of the stand-in: one subscription that delivers messages to a webhook.

As documented: the verification handshake first; then first in, first out; 200 = send the next, any
status >= 400 or a broken connection = pause and try the same message again, immediately, then
after 10, 10, 20, 30, 50, 80, 120, 120 ... seconds (`time_scale` makes them shorter). Every attempt
carries the same Meta.Logs[].ID with a new AttemptID and EventDateTime. Delivery is at least once:
`lost_answers` is the share of 200s that the sender pretends not to have seen.

By hand: `python -m tests.standin.sender URL --token-file FILE --messages FILE.ndjson`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import httpx

from tests.standin.messages import make_attempt, make_message

RETRY_S = (0, 10, 10, 20, 30, 50, 80, 120)
OK = 200


class NotVerified(Exception):
    """The webhook did not answer the verification handshake as documented."""


@dataclass(slots=True)
class Delivered:
    """What a subscription did. `log_ids`: messages answered with 200, in order, each once."""

    log_ids: list[str] = field(default_factory=list)
    attempts: int = 0
    failures: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Subscription:
    """One subscription of a destination; not for use by two threads at once."""

    url: str
    token: str = field(repr=False)
    time_scale: float = 1.0
    timeout_s: float = 30.0
    lost_answers: float = 0.0
    bearer: bool = False
    stop: threading.Event = field(default_factory=threading.Event)
    delivered: Delivered = field(default_factory=Delivered)
    _random: random.Random = field(default_factory=lambda: random.Random(7))

    def verify(self, method: str = "POST") -> None:
        """The handshake; raises NotVerified."""
        challenge = str(uuid.uuid4())
        asked = {"verification-token": self.token, "challenge": challenge}
        with self._client() as http:
            if method == "GET":
                answer = http.get(self.url, params=asked)
            else:
                headers = {"application-name": "RedoxEngine", "Connection": "close"}
                answer = http.post(self.url, json=asked, headers=headers)
        if answer.status_code != OK or challenge not in answer.text:
            raise NotVerified(f"status {answer.status_code}")

    def deliver(self, messages: Iterable[dict[str, Any]]) -> Delivered:
        """Deliver the messages in order, each until its 200; ends early when `stop` is set."""
        with self._client() as http:
            for message in messages:
                if self.stop.is_set() or not self._deliver(http, message):
                    break
                self.delivered.log_ids.append(message["Meta"]["Logs"][0]["ID"])
        return self.delivered

    def _deliver(self, http: httpx.Client, message: dict[str, Any]) -> bool:
        """Try until the 200; gives False when stopped before it."""
        pauses_s = chain(RETRY_S, repeat(RETRY_S[-1]))
        while (why := self._attempt(http, message)) is not None:
            self.delivered.failures[why] = self.delivered.failures.get(why, 0) + 1
            if self.stop.wait(next(pauses_s) * self.time_scale):
                return False
        return True

    def _attempt(self, http: httpx.Client, message: dict[str, Any]) -> str | None:
        """Send once; gives None for a 200, else why the message has to be sent again."""
        self.delivered.attempts += 1
        try:
            answer = http.post(self.url, json=make_attempt(message), headers=self._headers())
        except httpx.TransportError as error:
            return type(error).__name__
        if answer.status_code != OK:
            return f"status_{answer.status_code}"
        return "answer_lost" if self._random.random() < self.lost_answers else None

    def _headers(self) -> dict[str, str]:
        if self.bearer:
            return {"authorization": f"Bearer {self.token}"}
        return {"verification-token": self.token}

    def _client(self) -> httpx.Client:
        return httpx.Client(timeout=self.timeout_s, trust_env=False)


def read_messages(file: Path) -> Iterator[dict[str, Any]]:
    """One message per line; a message without a log id gets one, as Redox gives every message."""
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            message = json.loads(line)
            message["Meta"].setdefault("Logs", [{"ID": str(uuid.uuid4())}])
            yield message


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("url")
    arguments.add_argument("--token-file", type=Path, required=True)
    arguments.add_argument("--messages", type=Path, help="NDJSON; else messages are made up")
    arguments.add_argument("--count", type=int, default=100, help="how many to make up")
    arguments.add_argument("--content-bytes", type=int, default=0)
    arguments.add_argument("--time-scale", type=float, default=1.0)
    arguments.add_argument("--lost-answers", type=float, default=0.0)
    given = arguments.parse_args()
    subscription = Subscription(
        given.url,
        given.token_file.read_text().split()[0],
        time_scale=given.time_scale,
        lost_answers=given.lost_answers,
    )
    made = (make_message(at, content_bytes=given.content_bytes) for at in range(given.count))
    started = time.monotonic()
    subscription.verify()
    delivered = subscription.deliver(read_messages(given.messages) if given.messages else made)
    took_s = time.monotonic() - started
    told = {"messages": len(delivered.log_ids), "attempts": delivered.attempts, "seconds": took_s}
    json.dump(told | {"failures": delivered.failures}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
