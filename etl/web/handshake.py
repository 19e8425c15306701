"""Redox's verification request: read from a query or a body. Whether its token is valid is not
judged here.

Documented forms: `GET ?challenge=...&verification-token=...` and a POST of
`{"verification-token": "...", "challenge": "..."}`. The newer page wants the challenge anywhere in
the answer's body, the older one wants nothing else there: the bare challenge is right for both.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

MAX_HANDSHAKE_BYTES = 16 * 2**10
"""Redox's own is about 150 bytes; without a token in a header no more than this is read."""
MAX_QUERY_BYTES = 4 * 2**10

_KEYS = (b'"challenge"', b'"verification-token"')


@dataclass(frozen=True, slots=True)
class Handshake:
    """The challenge to send back and the tokens that came with it, in the request's own bytes."""

    challenge: bytes
    tokens: tuple[bytes, ...]


def handshake_in_query(query: bytes) -> Handshake | None:
    """Read a handshake from a query string; without a token in it `tokens` is empty.

    None when it is none, or longer than any that Redox sends.
    """
    if len(query) > MAX_QUERY_BYTES:
        return None
    challenge: bytes | None = None
    tokens: list[bytes] = []
    for pair in query.split(b"&"):
        key, _, value = pair.partition(b"=")
        if key == b"challenge":
            challenge = unquote_to_bytes(value)
        elif key == b"verification-token":
            # A token may hold a `+` that the sender left as it is.
            tokens += [unquote_to_bytes(value), unquote_to_bytes(value.replace(b"+", b" "))]
    return None if challenge is None else Handshake(challenge, tuple(tokens))


def handshake_in_body(body: bytes) -> Handshake | None:
    """Read a handshake from a body; a Redox message (it has `Meta`) is never one."""
    if len(body) > MAX_HANDSHAKE_BYTES or not all(key in body for key in _KEYS):
        return None
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or "Meta" in content:
        return None
    challenge, token = content.get("challenge"), content.get("verification-token")
    if not isinstance(challenge, str) or not isinstance(token, str):
        return None
    return Handshake(challenge.encode("utf-8", "replace"), (token.encode("utf-8", "replace"),))
