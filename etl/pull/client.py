"""Asks Redox one query: logged in, tried again, and its reply recognised. Keeps nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec

from etl.errors import PermanentError
from etl.pull.exchange import Exchange
from etl.pull.records import Answer
from etl.pull.tokens import Tokens

UNAUTHORIZED = 401


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


_NOTHING = (b"null", b'""', b"{}", b"[]")


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
