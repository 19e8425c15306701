"""OAuth: a token for a signed assertion (client credentials, RFC 6749 and 7523)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import urlencode

from etl.pull.assertion import Signer
from etl.pull.exchange import Exchange
from etl.pull.records import Answer
from etl.pull.tokens import Token, login_refused, make_token, no_token, parse_object

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFETIME_S = 300.0
_TO_CHECK = (
    "pull.client_id, pull.key_id and pull.private_key_file, and that the public key is registered "
    "at Redox"
)


@dataclass(frozen=True, slots=True)
class OAuthIssuer:
    """Asks the token endpoint with a signed assertion; tokens last 5 minutes."""

    exchange: Exchange
    token_url: str
    signer: Signer

    async def issue(self) -> Token:
        """Ask for a token; raises PermanentError when the key is refused."""
        answer = await self.exchange.repeat(self._ask)
        if answer.reason:
            raise login_refused(answer, _TO_CHECK)
        content = parse_object(answer)
        value, lifetime_s = content.get("access_token"), content.get("expires_in")
        if not isinstance(value, str) or not value:
            raise no_token("pull.token_url")
        return make_token(value, _lifetime_s(lifetime_s))

    async def _ask(self) -> Answer:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": self.signer.sign(self.token_url, int(time.time())),
        }
        return await self.exchange.post(
            self.token_url,
            content=urlencode(form).encode(),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )


def _lifetime_s(told: object) -> float:
    """The `expires_in` of the answer; 5 minutes, as documented, where it does not say."""
    return float(told) if isinstance(told, int | float) and told > 0 else _LIFETIME_S
