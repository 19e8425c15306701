"""The legacy way to log in: key and secret, then a refresh token.

Source: developer.redoxengine.com/getting-started/authenticating-a-source (deprecated by Redox).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from etl.pull.exchange import Exchange
from etl.pull.records import Answer
from etl.pull.tokens import Token, login_refused, make_token, no_token, parse_object

_LIFETIME_S = 24 * 3600.0


@dataclass(slots=True)
class LegacyIssuer:
    """Logs in with key and secret, then renews by refresh token; tokens last 24 hours."""

    exchange: Exchange
    authenticate_url: str
    refresh_url: str
    api_key: str = field(repr=False)
    secret: str = field(repr=False)
    _refresh_token: str = field(default="", repr=False)

    async def issue(self) -> Token:
        """Ask for a token; raises PermanentError when key and secret are refused."""
        return await self._renew() or await self._log_in()

    async def _renew(self) -> Token | None:
        """A token by the refresh token, None when there is none or it is refused."""
        refresh_token, self._refresh_token = self._refresh_token, ""
        if not refresh_token:
            return None
        answer = await self._post(
            self.refresh_url, {"apiKey": self.api_key, "refreshToken": refresh_token}
        )
        return None if answer.reason else self._take(answer)

    async def _log_in(self) -> Token:
        answer = await self._post(
            self.authenticate_url, {"apiKey": self.api_key, "secret": self.secret}
        )
        if answer.reason:
            raise login_refused(answer, "pull.api_key and pull.secret")
        token = self._take(answer)
        if token is None:
            raise no_token("pull.authenticate_url")
        return token

    def _take(self, answer: Answer) -> Token | None:
        content = parse_object(answer)
        value, refresh_token = content.get("accessToken"), content.get("refreshToken")
        if not isinstance(value, str) or not value:
            return None
        self._refresh_token = refresh_token if isinstance(refresh_token, str) else ""
        return make_token(value, _lifetime_s(content.get("expires"), datetime.now(UTC)))

    async def _post(self, url: str, content: dict[str, str]) -> Answer:
        body = json.dumps(content).encode()
        headers = {"content-type": "application/json"}
        return await self.exchange.repeat(
            lambda: self.exchange.post(url, content=body, headers=headers)
        )


def _lifetime_s(expires: Any, now: datetime) -> float:
    """Seconds until the `expires` of a legacy token; 24 hours where it does not say."""
    try:
        moment = datetime.fromisoformat(expires)
    except (TypeError, ValueError):
        return _LIFETIME_S
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    left_s = (aware - now).total_seconds()
    return left_s if left_s > 0 else _LIFETIME_S
