"""The stand-in of Redox on loopback: login and endpoint in one ASGI app.

    with serve(StandIn(replies)) as standin:
        standin.url  # http://127.0.0.1:PORT

Paths are Redox's own. `/standin/faults` and `/standin/asked` are for tests in another process.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.standin.faults import Fault, FaultQueue
from tests.standin.login import LoginDesk, LoginRefused
from tests.standin.queries import QueryDesk

TOKEN_PATH = "/v2/auth/token"


class StandIn:
    """State and app of one stand-in; its knobs and records are `login`, `queries`, `faults`."""

    def __init__(self, replies: Mapping[tuple[str, str], str]) -> None:
        self.login = LoginDesk()
        self.login_faults = FaultQueue()
        self.queries = QueryDesk(self.login, replies)
        self.url = ""
        self.app = Starlette(
            routes=[
                Route("/endpoint", self.queries.answer, methods=["POST"]),
                Route(TOKEN_PATH, self._oauth, methods=["POST"]),
                Route("/auth/authenticate", self._legacy, methods=["POST"]),
                Route("/auth/refreshToken", self._refresh, methods=["POST"]),
                Route("/standin/faults", self._add_faults, methods=["POST"]),
                Route("/standin/asked", self._tell_asked),
            ]
        )

    @property
    def faults(self) -> FaultQueue:
        return self.queries.faults

    def settings(self) -> dict[str, Any]:
        """The addresses for the `pull` section."""
        return {
            "endpoint": f"{self.url}/endpoint",
            "token_url": f"{self.url}{TOKEN_PATH}",
            "authenticate_url": f"{self.url}/auth/authenticate",
            "refresh_url": f"{self.url}/auth/refreshToken",
        }

    async def _oauth(self, request: Request) -> Response:
        if request.headers.get("content-type") != "application/x-www-form-urlencoded":
            return JSONResponse({"error": "invalid_request"}, status_code=400)
        token_url = f"{self.url}{TOKEN_PATH}"
        return await self._log_in(request, lambda body: self.login.answer_oauth(body, token_url))

    async def _legacy(self, request: Request) -> Response:
        return await self._log_in(request, self.login.answer_legacy)

    async def _refresh(self, request: Request) -> Response:
        return await self._log_in(request, self.login.answer_refresh)

    async def _log_in(
        self, request: Request, answer: Callable[[bytes], dict[str, Any]]
    ) -> Response:
        fault = self.login_faults.take()
        if fault.status != 200:
            return Response("fault", status_code=fault.status)
        try:
            return JSONResponse(answer(await request.body()))
        except LoginRefused as refused:
            return JSONResponse({"error": str(refused)}, status_code=401)

    async def _add_faults(self, request: Request) -> Response:
        self.faults.add(Fault(**fault) for fault in await request.json())
        return Response(status_code=204)

    async def _tell_asked(self, request: Request) -> Response:
        statuses = {str(status): count for status, count in self.queries.statuses.items()}
        asked = list(self.queries.asked.values())
        return JSONResponse({"statuses": statuses, "answered": asked})
