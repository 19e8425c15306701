"""The signed JWT by which an OAuth key proves itself (RFC 7523, as Redox documents it).

Sources: developer.redoxengine.com/redox-source-auth-v2, docs "authenticate with JWT".
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from etl.errors import UsageFault

LIFETIME_S = 300
_LEAST_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs assertions for one client id with one private key."""

    client_id: str
    key_id: str
    algorithm: str
    key: RSAPrivateKey | EllipticCurvePrivateKey = field(repr=False)

    def sign(self, audience: str, now_s: int) -> str:
        """A new assertion for the token endpoint `audience`, valid for 5 minutes."""
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": audience,
            "iat": now_s,
            "exp": now_s + LIFETIME_S,
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode(
            claims, self.key, algorithm=self.algorithm, headers={"kid": self.key_id, "typ": "JWT"}
        )


def read_signer(key_file: Path, *, client_id: str, key_id: str, algorithm: str) -> Signer:
    """Read a private key, PEM or JWK; raises UsageFault when it cannot sign with `algorithm`."""
    content = _read_key_file(key_file)
    is_jwk = content.lstrip().startswith(b"{")
    key, kid = _load_jwk(content) if is_jwk else (_load_pem(content), "")
    if not _fits(key, algorithm):
        raise UsageFault(
            f"The key in pull.private_key_file does not fit {algorithm}; RS384 needs an RSA key of "
            f"{_LEAST_RSA_BITS} bits or more, ES384 a P-384 key: correct the file or "
            f"pull.algorithm."
        )
    if not (key_id or kid):
        raise UsageFault("The key has no id; set pull.key_id to the kid registered at Redox.")
    return Signer(client_id, key_id or kid, algorithm, key)


def _read_key_file(key_file: Path) -> bytes:
    try:
        return key_file.read_bytes()
    except OSError:
        raise UsageFault(
            "The file named in pull.private_key_file cannot be read; correct the path or its "
            "permissions."
        ) from None


def _unusable_key() -> UsageFault:
    # The cause is not chained: errors of key parsers may quote the key.
    return UsageFault(
        "The file named in pull.private_key_file holds no usable private key; give a PEM file "
        "without passphrase, or a private JWK."
    )


def _load_pem(content: bytes) -> Any:
    try:
        return load_pem_private_key(content, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _unusable_key() from None


def _load_jwk(content: bytes) -> tuple[Any, str]:
    try:
        described = json.loads(content)
        return jwt.PyJWK(described).key, str(described.get("kid", ""))
    except (ValueError, TypeError, KeyError, AttributeError, jwt.PyJWTError):
        raise _unusable_key() from None


def _fits(key: Any, algorithm: str) -> bool:
    if algorithm == "RS384":
        return isinstance(key, RSAPrivateKey) and key.key_size >= _LEAST_RSA_BITS
    return isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP384R1)
