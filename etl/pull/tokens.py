"""Access tokens: kept in memory, renewed before they expire, never logged.

How a token is asked for lives in `oauth` and `legacy`; here is what both share.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from etl.errors import PermanentError, TransientError
from etl.pull.records import Answer

_LONGEST_AHEAD_S = 60.0
_OAUTH_ERROR = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True, slots=True)
class Token:
    """An access token and until when it is good, in seconds since 1970."""

    value: str = field(repr=False)
    renew_at_s: float


class Tokens:
    """Gives the current token; asks for a new one ahead of expiry, once for all who wait."""

    def __init__(
        self, issue: Callable[[], Awaitable[Token]], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._issue = issue
        self._clock = clock
        self._token: Token | None = None
        self._turn = asyncio.Lock()

    async def current(self) -> str:
        """A token that is good for now."""
        async with self._turn:
            if self._token is None or self._clock() >= self._token.renew_at_s:
                self._token = await self._issue()
            return self._token.value

    def discard(self, value: str) -> None:
        """Forget a token that was refused, unless another has taken its place already."""
        if self._token is not None and self._token.value == value:
            self._token = None


def make_token(value: str, lifetime_s: float) -> Token:
    """Renewed one minute ahead, short-lived tokens a fifth of their life ahead."""
    return Token(value, time.time() + lifetime_s - min(_LONGEST_AHEAD_S, lifetime_s / 5))


def parse_object(answer: Answer) -> dict[str, Any]:
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def login_refused(answer: Answer, to_check: str) -> PermanentError | TransientError:
    if answer.is_transient:
        return TransientError(
            f"No token could be had from Redox ({answer.reason}); call again later, what has "
            f"landed is not asked again."
        )
    code = parse_object(answer).get("error")
    told = f", {code}" if isinstance(code, str) and _OAUTH_ERROR.fullmatch(code) else ""
    return PermanentError(f"Redox refused the login ({answer.reason}{told}); check {to_check}.")


def no_token(setting: str) -> PermanentError:
    return PermanentError(f"The answer to the login held no token; check the address {setting}.")
