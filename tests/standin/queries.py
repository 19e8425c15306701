"""The endpoint of the stand-in: answers queries, keeps the rate limit, makes the faults asked for.

What it was asked is recorded: `asked` counts answers that were sent whole, per request body.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from tests.standin.faults import Fault, FaultQueue
from tests.standin.login import LoginDesk
from tests.standin.messages import make_reply


@dataclass(slots=True)
class QueryDesk:
    """Answers queries. `replies` maps (data model, event type) to the reply's event type.

    `is_recorded` chooses the form of replies: that of Redox's recorded replies, which have the event
    type of their query, or that of its documentation.
    """

    login: LoginDesk
    replies: Mapping[tuple[str, str], str]
    faults: FaultQueue = field(default_factory=FaultQueue)
    is_recorded: bool = True
    numbers: Iterator[int] = field(default_factory=lambda: count(5565))
    rate_limit: int = 10_000
    rate_window_s: float = 300
    asked: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    seen_at: list[float] = field(default_factory=list)
    most_at_once: int = 0
    _at_once: int = 0
    _window: deque[float] = field(default_factory=deque)

    async def answer(self, request: Request) -> Response:
        """Answer one request, well or as its fault says."""
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        self.seen_at.append(time.monotonic())
        try:
            response = await self._answer(request)
        finally:
            self._at_once -= 1
        self.statuses[response.status_code] += 1
        return response

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        if (wait_s := self._over_limit()) is not None:
            headers = {"Retry-After": str(wait_s), "X-RateLimit-Limit": str(self.rate_limit)}
            return Response(status_code=429, headers=headers)
        if not self.login.is_valid(request.headers.get("authorization", "")):
            return Response("Unauthorized", status_code=401)
        fault = self.faults.take()
        await asyncio.sleep(fault.slow_s)
        if fault.status != 200:
            headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
            return Response("fault", status_code=fault.status, headers=headers)
        return self._reply(json.loads(body), fault)

    def _reply(self, query: dict[str, Any], fault: Fault) -> Response:
        meta = query["Meta"]
        reply = self.replies.get((meta["DataModel"], meta["EventType"]))
        if reply is None:
            return JSONResponse({"Meta": meta | {"Errors": [{"ID": 1}]}}, status_code=400)
        event_type = meta["EventType"] if self.is_recorded else reply
        answer = make_reply(
            query,
            fault.event_type or event_type,
            with_errors=fault.errors,
            is_recorded=self.is_recorded,
            number=next(self.numbers),
        )
        if fault.empty:
            answer = {"Meta": answer["Meta"]}
        if fault.timeless:
            answer["Meta"].pop("EventDateTime", None)
        content = json.dumps(answer).encode()
        if fault.cut_at is not None:
            return _cut(content, fault.cut_at)
        if fault.half_body:
            return Response(content[: len(content) // 2], media_type="application/json")
        self.asked[json.dumps(query, sort_keys=True)] += 1
        return Response(content, media_type="application/json")

    def _over_limit(self) -> int | None:
        """Seconds to wait when the rolling window is full."""
        now = time.monotonic()
        while self._window and self._window[0] <= now - self.rate_window_s:
            self._window.popleft()
        if len(self._window) >= self.rate_limit:
            return max(1, round(self._window[0] + self.rate_window_s - now))
        self._window.append(now)
        return None


def _cut(content: bytes, cut_at: int) -> Response:
    """An answer that announces all of `content` and closes after a part of it."""

    async def part() -> AsyncIterator[bytes]:
        yield content[:cut_at]
        raise ConnectionAbortedError("cut as the test asked")

    headers = {"Content-Length": str(len(content))}
    return StreamingResponse(part(), headers=headers, media_type="application/json")
