"""How to log in, by the settings: an OAuth key (RFC 6749 and 7523), or a legacy key and secret."""

from __future__ import annotations

import time
from dataclasses import dataclass
from urllib.parse import urlencode

from etl.errors import UsageFault
from etl.pull.assertion import Signer, read_signer
from etl.pull.exchange import Exchange
from etl.pull.legacy import LegacyIssuer
from etl.pull.records import Answer
from etl.pull.tokens import Token, Tokens, login_refused, make_token, no_token, parse_object
from etl.sections import PullSettings

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LIFETIME_S = 300.0
_TO_CHECK = (
    "pull.client_id, pull.key_id and pull.private_key_file, and that the public key is registered "
    "at Redox"
)


def login_faults(settings: PullSettings) -> list[str]:
    """What is missing or contradictory in the settings to log in; empty when all is well."""
    oauth = {
        "pull.client_id": settings.client_id,
        "pull.private_key_file": settings.private_key_file,
    }
    legacy = {
        "pull.api_key": settings.api_key,
        "pull.secret or pull.secret_file": settings.secret or settings.secret_file,
    }
    if any(oauth.values()) and any(legacy.values()):
        return ["both an OAuth key and a legacy key are set, keep one"]
    if not any(oauth.values()) and not any(legacy.values()):
        return ["neither pull.client_id (OAuth) nor pull.api_key (legacy) is set"]
    chosen = oauth if any(oauth.values()) else legacy
    return [f"{name} is missing" for name, value in chosen.items() if not value]


def make_tokens(settings: PullSettings, exchange: Exchange) -> Tokens:
    """The way to log in that the settings give; raises UsageFault with all that is missing."""
    if faults := login_faults(settings):
        raise UsageFault(f"The pull cannot log in ({'; '.join(faults)}); correct the settings.")
    if settings.private_key_file is not None:
        signer = read_signer(
            settings.private_key_file,
            client_id=settings.client_id,
            key_id=settings.key_id,
            algorithm=settings.algorithm,
        )
        return Tokens(OAuthIssuer(exchange, settings.token_url, signer).issue)
    legacy = LegacyIssuer(
        exchange,
        settings.authenticate_url,
        settings.refresh_url,
        api_key=settings.api_key.get_secret_value() if settings.api_key else "",
        secret=_read_secret(settings),
    )
    return Tokens(legacy.issue)


def _read_secret(settings: PullSettings) -> str:
    if settings.secret is not None:
        return settings.secret.get_secret_value()
    try:
        return settings.secret_file.read_text().strip() if settings.secret_file else ""
    except (OSError, UnicodeDecodeError):
        raise UsageFault(
            "The file named in pull.secret_file cannot be read; correct the path or its "
            "permissions."
        ) from None


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
