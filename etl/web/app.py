"""The receiver's ASGI application: its paths, its start and stop, its housekeeping.

Sockets, signals and the process live in `etl.web.server`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from etl.sections import ReceiveSettings
from etl.web.gate import Gate
from etl.web.group_commit import GroupCommit
from etl.web.metrics import ReceiverMetrics
from etl.web.receiver import Receiver
from etl.web.refusals import Reason
from etl.web.segment_folder import SegmentFolder
from etl.web.tokens import TokenBook

HOUSEKEEPING_S = 1.0
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"

log = logging.getLogger(__name__)


class ReceiverApp:
    """The parts of a running receiver; `asgi` is what the server serves."""

    def __init__(
        self,
        settings: ReceiveSettings,
        *,
        tokens: TokenBook,
        folder: SegmentFolder,
        gate: Gate,
    ) -> None:
        self.gate = gate
        self._tokens = tokens
        self._metrics = ReceiverMetrics()
        self._store = GroupCommit(
            folder, min_free_bytes=settings.min_free_bytes, metrics=self._metrics
        )
        self.receiver = Receiver(
            settings,
            tokens=tokens,
            store=self._store,
            metrics=self._metrics,
            max_deliveries=gate.max_verified,
        )
        self._watch(folder)
        self.asgi = Starlette(
            routes=self._routes(settings.path),
            lifespan=self._lifespan,
            exception_handlers={404: self._not_found},
        )
        self.asgi.router.redirect_slashes = False  # a redirect is no 200: the feed would pause

    def _routes(self, path: str) -> list[Route]:
        paths = {path, path.rstrip("/") or "/", path.rstrip("/") + "/"}
        return [
            *(Route(each, self.receiver) for each in sorted(paths)),
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            Route("/metrics", self._render_metrics),
        ]

    def _watch(self, folder: SegmentFolder) -> None:
        watch = self._metrics.watch
        watch("in_flight_requests", "Requests not answered yet", lambda: self.receiver.in_flight)
        watch("in_flight_bytes", "Body bytes in memory", lambda: self.receiver.budget.used_bytes)
        watch("open_segment_bytes", "Size of the open segment", lambda: folder.open_bytes)
        watch(
            "oldest_unclosed_seconds",
            "Age of the oldest body in the open segment",
            lambda: folder.oldest_unclosed_s,
        )
        watch("closed_segments", "Segments closed since start", lambda: folder.closed_count)
        watch(
            "unverified_connections",
            "Connections whose request has shown no valid token",
            lambda: self.gate.unverified,
        )
        watch(
            "evicted_connections",
            "Connections without a valid token that lost their place to newer ones, since start",
            lambda: self.gate.evicted,
        )
        watch("free_bytes", "Free bytes of the disk", lambda: self._store.free_bytes)
        watch("ready", "1 when bodies are accepted", lambda: self._unready_reason() is None)
        watch("valid_tokens", "Verification tokens valid now", lambda: len(self._tokens))

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        await self._store.tend()
        housekeeping = asyncio.create_task(self._keep_house())
        try:
            yield
        finally:
            housekeeping.cancel()
            with suppress(asyncio.CancelledError):
                await housekeeping
            await self._store.close()

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING_S)
            try:
                self._tokens.refresh()
                self.receiver.log_summary()
                await self._store.tend()
            except Exception as error:  # it must go on: segments would stay open for ever
                log.error("housekeeping failed (%s)", type(error).__name__)

    def _unready_reason(self) -> Reason | None:
        return Reason.STOPPING if self.receiver.is_stopping else self._store.fault

    async def _healthz(self, _request: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def _readyz(self, _request: Request) -> Response:
        reason = self._unready_reason()
        if reason is None:
            return PlainTextResponse("ready\n")
        return PlainTextResponse(f"{reason.value}\n", 503)

    async def _render_metrics(self, _request: Request) -> Response:
        return Response(self._metrics.render(), media_type=METRICS_TYPE)

    async def _not_found(self, _request: Request, _error: Exception) -> Response:
        self._metrics.count_rejected(Reason.NOT_FOUND)
        return PlainTextResponse("not_found\n", 404)
