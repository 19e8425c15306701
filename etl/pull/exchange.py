"""One HTTP exchange, and the same again after transient failures. Knows no Redox meaning.

Every request of a pull passes here, those for tokens too: they count to the same rate limit.
Nothing that was sent or received is put into a log or an error.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime

import httpx

from etl.errors import PermanentError, TransientError
from etl.pull.limit import SlidingWindow
from etl.pull.records import Answer
from etl.pull.retry import RetryPolicy, is_transient, parse_retry_after

_TOO_LARGE = Answer(0, "reply_too_large")


class Exchange:
    """Posts bodies and reads whole answers, within the rate limit and the time allowed.

    `timeout_s` is for the whole exchange: a reply that drips in slowly does not stretch it.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        limiter: SlidingWindow,
        policy: RetryPolicy,
        timeout_s: float,
        max_reply_bytes: int,
    ) -> None:
        self._http = http
        self._limiter = limiter
        self._policy = policy
        self._timeout_s = timeout_s
        self._max_reply_bytes = max_reply_bytes

    async def post(self, url: str, *, content: bytes, headers: Mapping[str, str]) -> Answer:
        """Send once; gives a complete answer or the reason why none came.

        Raises PermanentError when the other side's certificate is not trusted.
        """
        async with self._limiter.slot():
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await self._send(url, content, headers)
            except (TimeoutError, httpx.TimeoutException):
                return Answer(0, "timeout", is_transient=True)
            except httpx.RequestError as error:
                if _is_certificate_fault(error):
                    raise PermanentError(
                        "The certificate of the endpoint is not trusted; check the address, or "
                        "name the site's authority in pull.ca_file."
                    ) from None
                return Answer(0, "connection", is_transient=True)

    async def repeat(self, act: Callable[[], Awaitable[Answer]]) -> Answer:
        """Do `act` until its answer is good or permanent, or the attempts are used up."""
        attempt = 1
        while True:
            answer = await act()
            if answer.is_transient:
                self._hold(answer)
            if not answer.is_transient or attempt >= self._policy.max_attempts:
                return answer
            pause_s = self._policy.pause_s(attempt)
            asked_s = answer.retry_after_s
            await asyncio.sleep(pause_s if asked_s is None else asked_s + pause_s / 10)
            attempt += 1

    def _hold(self, answer: Answer) -> None:
        """Obey Retry-After for everybody: the limit is per address, not per request."""
        if answer.retry_after_s is None:
            return
        if answer.retry_after_s > self._policy.longest_retry_after_s:
            raise TransientError(
                f"Redox asks to wait {answer.retry_after_s:.0f} s; call again after that, "
                f"what has landed is not asked again."
            )
        self._limiter.hold(answer.retry_after_s)

    async def _send(self, url: str, content: bytes, headers: Mapping[str, str]) -> Answer:
        async with self._http.stream("POST", url, content=content, headers=headers) as response:
            body = await self._read(response)
        if body is None:
            return _TOO_LARGE
        is_good = 200 <= response.status_code < 300
        return Answer(
            response.status_code,
            reason="" if is_good else f"status_{response.status_code}",
            is_transient=is_transient(response.status_code),
            retry_after_s=parse_retry_after(response.headers.get("retry-after"), datetime.now(UTC)),
            received_at_us=time.time_ns() // 1000,
            body=body,
        )

    async def _read(self, response: httpx.Response) -> bytes | None:
        """The whole body, None when it is longer than allowed."""
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._max_reply_bytes:
                return None
        return bytes(body)


def _is_certificate_fault(error: BaseException) -> bool:
    """True if a failed TLS check is in the chain of causes; trying again does not fix it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
