"""Puts a client together from the settings: limits, TLS, proxy, login."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from etl.errors import UsageFault
from etl.pull.auth import make_tokens
from etl.pull.client import RedoxClient
from etl.pull.exchange import Exchange
from etl.pull.limit import SlidingWindow
from etl.pull.retry import RetryPolicy
from etl.sections import PullSettings

_CONNECT_TIMEOUT_S = 30.0


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
