"""Asks Redox one query: logged in, tried again, and its reply recognized. Keeps nothing.

A client is put together from the settings: limits, TLS, proxy, login.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
import msgspec

from etl.errors import PermanentError, UsageFault
from etl.pull.auth import make_tokens
from etl.pull.exchange import Exchange
from etl.pull.limit import SlidingWindow
from etl.pull.records import Answer
from etl.pull.retry import RetryPolicy
from etl.pull.tokens import Tokens
from etl.sections import PullSettings

UNAUTHORIZED = 401
_NOTHING = (b"null", b'""', b"{}", b"[]")
_CONNECT_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class ReplyFacts:
    """What the envelope of a reply says: its event type and how many errors it lists.

    `is_empty`: nothing is populated beside Meta. `has_time`: it has a Meta.EventDateTime.
    """

    data_model: str
    event_type: str
    errors: int
    is_empty: bool = False
    has_time: bool = True


class _Meta(msgspec.Struct):
    DataModel: Any = None
    EventType: Any = None
    Errors: Any = None
    EventDateTime: Any = None


class _Envelope(msgspec.Struct):
    Meta: _Meta | None = None


class RedoxClient:
    """Sends query bodies to the endpoint."""

    def __init__(self, exchange: Exchange, *, tokens: Tokens, endpoint: str) -> None:
        self._exchange = exchange
        self._tokens = tokens
        self._endpoint = endpoint

    async def ask(self, body: bytes) -> Answer:
        """Ask until a complete reply comes, a permanent answer, or the attempts are used up.

        Raises PermanentError when a fresh token is refused too.
        """
        return await self._exchange.repeat(lambda: self._ask_logged_in(body))

    async def log_in(self) -> None:
        """Get a token, to see that the settings are right."""
        await self._tokens.current()

    async def _ask_logged_in(self, body: bytes) -> Answer:
        for _ in range(2):
            token = await self._tokens.current()
            answer = await self._exchange.post(
                self._endpoint,
                content=body,
                headers={"content-type": "application/json", "authorization": f"Bearer {token}"},
            )
            if answer.status != UNAUTHORIZED:
                return _checked(answer)
            self._tokens.discard(token)
        raise PermanentError(
            "Redox refuses a token it has just given (status 401); check that the key belongs to "
            "the source and environment asked, and that pull.endpoint is of the same region."
        )


def read_facts(body: bytes) -> ReplyFacts | None:
    """The facts of a reply that is whole JSON, None when it is not (cut short, or no JSON)."""
    try:
        meta = msgspec.json.decode(body, type=_Envelope).Meta or _Meta()
    except msgspec.ValidationError:
        return ReplyFacts("", "", 0) if _is_json(body) else None
    except (msgspec.DecodeError, RecursionError):
        return None
    errors = len(meta.Errors) if isinstance(meta.Errors, list) else int(bool(meta.Errors))
    return ReplyFacts(
        _text(meta.DataModel),
        _text(meta.EventType),
        errors,
        is_empty=_is_empty(body),
        has_time=bool(meta.EventDateTime),
    )


def _is_empty(body: bytes) -> bool:
    """True if every key beside Meta holds null, an empty text, object or array."""
    parts = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return all(bytes(raw).strip() in _NOTHING for key, raw in parts.items() if key != "Meta")


def _checked(answer: Answer) -> Answer:
    """A 2xx answer whose body is not whole JSON was cut on its way: it is asked again."""
    if answer.reason or read_facts(answer.body) is not None:
        return answer
    return replace(answer, reason="cut_reply", is_transient=True, body=b"")


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def make_limiter(settings: PullSettings) -> SlidingWindow:
    """The rate limit of the settings, nothing counted yet."""
    return SlidingWindow(settings.rate_limit, window_s=settings.rate_window_s)


@asynccontextmanager
async def open_client(settings: PullSettings, limiter: SlidingWindow) -> AsyncIterator[RedoxClient]:
    """A client that logs in when it first asks; raises UsageFault for unusable settings."""
    async with _open_http(settings) as http:
        policy = RetryPolicy(
            settings.max_attempts,
            backoff_s=settings.backoff_s,
            longest_backoff_s=settings.longest_backoff_s,
            longest_retry_after_s=settings.longest_retry_after_s,
        )
        exchange = Exchange(
            http,
            limiter=limiter,
            policy=policy,
            timeout_s=settings.timeout_s,
            max_reply_bytes=settings.max_reply_bytes,
        )
        tokens = make_tokens(settings, exchange)
        yield RedoxClient(exchange, tokens=tokens, endpoint=settings.endpoint)


def _open_http(settings: PullSettings) -> httpx.AsyncClient:
    """An HTTP client that reads nothing from the environment and follows no redirect."""
    proxy = settings.proxy.get_secret_value() if settings.proxy else None
    connections = settings.parallel + 1
    try:
        return httpx.AsyncClient(
            verify=_trust(settings),
            proxy=proxy,
            trust_env=False,
            timeout=httpx.Timeout(settings.timeout_s, connect=_CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        )
    except (ValueError, httpx.InvalidURL):
        raise UsageFault("The setting pull.proxy is no usable URL; correct it.") from None


def _trust(settings: PullSettings) -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    if settings.ca_file is not None:
        try:
            context.load_verify_locations(cafile=settings.ca_file)
        except (OSError, ssl.SSLError):
            raise UsageFault(
                "The file named in pull.ca_file holds no readable certificates; correct it."
            ) from None
    return context
