"""What a request is answered, and how an answer is sent while its body is still coming.

Which answer a request gets is decided in `etl.web.receiver`.
"""

from __future__ import annotations

from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Scope, Send

from etl.web.body import RequestBody
from etl.web.refusals import STATUS, Reason


def stored_answer() -> Response:
    return PlainTextResponse("stored\n")


def ready_answer() -> Response:
    """For a GET with a valid token and no challenge: nothing to store, nothing wrong."""
    return PlainTextResponse("ready\n")


def challenge_answer(challenge: bytes) -> Response:
    """The bare challenge; nosniff, because a browser might take foreign text for a page."""
    return PlainTextResponse(challenge, headers={"x-content-type-options": "nosniff"})


def refusal_answer(reason: Reason, *, retry_after_s: int) -> Response | None:
    """The answer to a refused request, None when nobody listens any more."""
    status = STATUS.get(reason)
    if status is None:
        return None
    headers = {"connection": "close"}
    if status == 503:
        headers["retry-after"] = str(retry_after_s)
    elif status == 401:
        headers["www-authenticate"] = "Bearer"
    return PlainTextResponse(f"{reason.value}\n", status, headers)


async def send_answer(answer: Response, *, scope: Scope, body: RequestBody, send: Send) -> None:
    """Send an answer; when the body is not read whole, read on before the connection closes.

    Closing a socket with unread bytes resets it, and the sender would not see the answer.
    """
    if body.is_complete or answer.status_code < 400:
        await answer(scope, body.receive, send)
        return

    async def send_open(message: Message) -> None:
        is_body = message["type"] == "http.response.body"
        await send({**message, "more_body": True} if is_body else message)

    await answer(scope, body.receive, send_open)
    await body.discard()
    await send({"type": "http.response.body", "body": b"", "more_body": False})
