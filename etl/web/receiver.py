"""The endpoint that Redox calls: checks the token, has the body stored, answers.

Any status of 400 or more pauses the customer's whole feed. So after the token check only two are
given: 503 when storage fails and 413 for a body over the cap. Everything else is stored, whatever
it is, and read at load.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from etl.sections import ReceiveSettings
from etl.web.answers import (
    challenge_answer,
    ready_answer,
    refusal_answer,
    send_answer,
    stored_answer,
)
from etl.web.body import RequestBody
from etl.web.budget import InFlightBudget, Lease
from etl.web.group_commit import GroupCommit
from etl.web.handshake import (
    MAX_HANDSHAKE_BYTES,
    Handshake,
    handshake_in_body,
    handshake_in_query,
)
from etl.web.metrics import ReceiverMetrics
from etl.web.refusals import Reason, Refusal
from etl.web.tokens import TokenBook, presented_tokens

REFUSALS_LOGGED_PER_S = 10
UNVERIFIED_STATUSES = frozenset((401, 403, 404, 499))

log = logging.getLogger(__name__)
access_log = logging.getLogger(f"{__name__}.access")

CUT_STATUS = 499
"""Logged for a request whose sender was gone before the answer; never sent."""


class Receiver:
    """An ASGI endpoint. `in_flight` counts the requests that are not answered yet."""

    def __init__(
        self,
        settings: ReceiveSettings,
        *,
        tokens: TokenBook,
        store: GroupCommit,
        metrics: ReceiverMetrics,
        max_deliveries: int,
    ) -> None:
        self.in_flight = 0
        self.is_stopping = False
        self.budget = InFlightBudget(settings.in_flight_bytes)
        self._settings = settings
        self._tokens = tokens
        self._store = store
        self._metrics = metrics
        self._max_deliveries = max_deliveries
        self._deliveries = 0
        self._refusals_logged = RefusalLog()
        self._reading: set[asyncio.Timeout] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        body = RequestBody(receive, scope["headers"])
        self.in_flight += 1
        try:
            answer = await self._answer(scope, body)
            if answer is not None:
                await send_answer(answer, scope=scope, body=body, send=send)
        finally:
            self.in_flight -= 1
        status = answer.status_code if answer else CUT_STATUS
        self._note(scope["method"], body, status=status, started=started)

    def stop(self) -> None:
        """Refuse new bodies from now on; those on their way have the stop timeout to arrive."""
        self.is_stopping = True
        due = asyncio.get_running_loop().time() + self._settings.stop_timeout_s
        for deadline in self._reading:
            deadline.reschedule(due)

    async def _answer(self, scope: Scope, body: RequestBody) -> Response | None:
        """Give the answer, None when the sender is gone."""
        try:
            if scope["method"] in ("GET", "HEAD"):
                return self._answer_get(scope)
            return await self._answer_post(scope, body)
        except Refusal as refusal:
            return self._refuse(refusal.reason)
        except Exception as error:  # a fault of ours: the body is not stored and must come again
            log.error("request failed (%s)", type(error).__name__)
            return self._refuse(Reason.STORAGE_FAILED)

    def _answer_get(self, scope: Scope) -> Response:
        presented = presented_tokens(scope["headers"])
        handshake = handshake_in_query(scope["query_string"])
        if handshake is not None:
            presented += handshake.tokens
        self._check(presented)
        return self._echo(handshake) if handshake else ready_answer()

    async def _answer_post(self, scope: Scope, body: RequestBody) -> Response:
        presented = presented_tokens(scope["headers"])
        if not presented:
            return self._echo(await self._read_handshake(body))
        self._check(presented)
        self._deliveries += 1
        try:
            with self.budget.lease() as lease:
                return await self._deliver(body, lease)
        finally:
            self._deliveries -= 1

    async def _deliver(self, body: RequestBody, lease: Lease) -> Response:
        if self.is_stopping:
            raise Refusal(Reason.STOPPING)
        if self._deliveries > self._max_deliveries:
            raise Refusal(Reason.OVERLOADED)
        if self._store.fault is Reason.DISK_LOW:
            raise Refusal(Reason.DISK_LOW)
        content = await self._read(body, lease, max_bytes=self._settings.max_body_bytes)
        handshake = handshake_in_body(content)
        if handshake and self._tokens.has_any(handshake.tokens):
            return self._echo(handshake)
        self._metrics.received.inc()
        await self._store.store(content)
        return stored_answer()

    async def _read_handshake(self, body: RequestBody) -> Handshake:
        """Read a body that came without a token in a header: a handshake holds its own.

        It takes no part of the budget of those with a token: the gate limits how many there are.
        """
        try:
            with InFlightBudget(MAX_HANDSHAKE_BYTES).lease() as lease:
                content = await self._read(body, lease, max_bytes=MAX_HANDSHAKE_BYTES)
        except Refusal as refusal:
            if refusal.reason is Reason.TOO_LARGE:
                raise Refusal(Reason.NO_TOKEN) from None
            raise
        handshake = handshake_in_body(content)
        if handshake is None:
            raise Refusal(Reason.NO_TOKEN)
        self._check(handshake.tokens)
        return handshake

    async def _read(self, body: RequestBody, lease: Lease, *, max_bytes: int) -> bytes:
        deadline = asyncio.timeout(None)
        try:
            async with deadline:
                self._reading.add(deadline)
                return await body.read(max_bytes=max_bytes, lease=lease)
        except TimeoutError:
            raise Refusal(Reason.STOPPING) from None
        finally:
            self._reading.discard(deadline)

    def _check(self, presented: Iterable[bytes]) -> None:
        tokens = list(presented)
        if not self._tokens.has_any(tokens):
            raise Refusal(Reason.WRONG_TOKEN if tokens else Reason.NO_TOKEN)

    def _echo(self, handshake: Handshake) -> Response:
        self._metrics.handshakes.inc()
        log.info("verification request answered")
        return challenge_answer(handshake.challenge)

    def _refuse(self, reason: Reason) -> Response | None:
        self._metrics.count_rejected(reason)
        return refusal_answer(reason, retry_after_s=self._settings.retry_after_s)

    def log_summary(self) -> None:
        """Log how many refusals went unlogged; call every second."""
        unlogged = self._refusals_logged.begin_second()
        if unlogged:
            access_log.info("and %d more requests refused without a valid token", unlogged)

    def _note(self, method: str, body: RequestBody, *, status: int, started: float) -> None:
        """Log a request: no path and no query (a token may be there), no header, no body."""
        if status in UNVERIFIED_STATUSES and not self._refusals_logged.has_room():
            return
        if status >= 400 or self._settings.access_log:
            took_ms = (time.perf_counter() - started) * 1000
            access_log.info("%s %d %d bytes %.1f ms", method, status, body.size_bytes, took_ms)


class RefusalLog:
    """Lets a few refusals per second into the log: a flood must not fill the disk with lines."""

    def __init__(self) -> None:
        self._seen = 0

    def has_room(self) -> bool:
        self._seen += 1
        return self._seen <= REFUSALS_LOGGED_PER_S

    def begin_second(self) -> int:
        """Return how many found no room since the last call."""
        unlogged, self._seen = max(0, self._seen - REFUSALS_LOGGED_PER_S), 0
        return unlogged
