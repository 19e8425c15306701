"""The login of the stand-in: OAuth with signed assertions, and the legacy key and secret.

Checks what Redox documents: form, assertion type, signature by the registered key, audience, issuer
= subject = client id, expiry within 5 minutes, an assertion used once.
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import jwt

from tests.standin.keys import RegisteredKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
REQUIRED_CLAIMS = ["iss", "sub", "aud", "iat", "exp", "jti"]


class LoginRefused(Exception):
    """The login is wrong; the text is the OAuth error code."""


@dataclass(slots=True)
class LoginDesk:
    """Gives tokens. `issued` and `renewed` count them; lifetimes are knobs.

    `grace_s`: tokens stay valid so much longer than told, for tests with very short lifetimes.
    """

    keys: dict[str, RegisteredKey] = field(default_factory=dict)
    api_key: str = ""
    secret: str = field(default="", repr=False)
    token_lifetime_s: float = 300
    legacy_lifetime_s: float = 24 * 3600
    grace_s: float = 0
    issued: int = 0
    renewed: int = 0
    _tokens: dict[str, float] = field(default_factory=dict, repr=False)
    _refresh_tokens: set[str] = field(default_factory=set, repr=False)
    _used: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def register(self, key: RegisteredKey) -> None:
        self.keys[key.key_id] = key

    def is_valid(self, authorization: str) -> bool:
        """Whether a header holds a token that was given and has not expired."""
        scheme, _, token = authorization.partition(" ")
        return scheme == "Bearer" and self._tokens.get(token, 0) > time.monotonic()

    def revoke_all(self) -> None:
        """Make every token invalid, whatever its expiry said."""
        self._tokens.clear()

    def answer_oauth(self, body: bytes, token_url: str) -> dict[str, Any]:
        """The answer to a form; raises LoginRefused."""
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        if form.get("grant_type") != "client_credentials":
            raise LoginRefused("unsupported_grant_type")
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise LoginRefused("invalid_request")
        self._check_assertion(form.get("client_assertion", ""), token_url)
        token = self._give(self.token_lifetime_s)
        return {"access_token": token, "token_type": "Bearer", "expires_in": self.token_lifetime_s}

    def answer_legacy(self, body: bytes) -> dict[str, Any]:
        """The answer to key and secret; raises LoginRefused."""
        given = json.loads(body)
        if not self.api_key or given != {"apiKey": self.api_key, "secret": self.secret}:
            raise LoginRefused("invalid_client")
        return self._legacy_answer()

    def answer_refresh(self, body: bytes) -> dict[str, Any]:
        """The answer to a refresh token, each good for one use; raises LoginRefused."""
        given = json.loads(body)
        with self._lock:
            is_known = given.get("refreshToken") in self._refresh_tokens
            self._refresh_tokens.discard(given.get("refreshToken"))
        if given.get("apiKey") != self.api_key or not is_known:
            raise LoginRefused("invalid_grant")
        self.renewed += 1
        return self._legacy_answer()

    def _legacy_answer(self) -> dict[str, Any]:
        refresh_token = secrets.token_urlsafe(24)
        self._refresh_tokens.add(refresh_token)
        expires = datetime.fromtimestamp(time.time() + self.legacy_lifetime_s, UTC)
        return {
            "accessToken": self._give(self.legacy_lifetime_s),
            "expires": expires.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "refreshToken": refresh_token,
        }

    def _give(self, lifetime_s: float) -> str:
        token = secrets.token_urlsafe(24)
        with self._lock:
            self.issued += 1
            self._tokens[token] = time.monotonic() + lifetime_s + self.grace_s
        return token

    def _check_assertion(self, assertion: str, token_url: str) -> None:
        try:
            header = jwt.get_unverified_header(assertion)
            key = self.keys[header.get("kid", "")]
            claims = jwt.decode(
                assertion,
                key.public_key,
                algorithms=[key.algorithm],
                audience=token_url,
                options={"require": REQUIRED_CLAIMS},
            )
        except (jwt.PyJWTError, KeyError) as error:
            raise LoginRefused("invalid_client") from error
        with self._lock:
            is_fresh = claims["jti"] not in self._used
            self._used.add(claims["jti"])
        is_own = claims["iss"] == claims["sub"] == key.client_id
        is_short = claims["exp"] - claims["iat"] <= 300
        if not (is_fresh and is_own and is_short and header.get("typ") == "JWT"):
            raise LoginRefused("invalid_client")
