"""Key pairs for signed assertions. Real keys, made anew for every run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat


@dataclass(frozen=True, slots=True)
class RegisteredKey:
    """What Redox keeps of a customer's key: its id, who owns it, the public half."""

    key_id: str
    client_id: str
    algorithm: str
    public_key: Any


def make_private_key(algorithm: str) -> Any:
    """A new private key that signs with `algorithm` (RS384 or ES384)."""
    if algorithm == "ES384":
        return ec.generate_private_key(ec.SECP384R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def write_key(private_key: Any, file: Path) -> Path:
    """Write a private key as PEM without passphrase, for its owner only."""
    content = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.touch(mode=0o600)
    file.write_bytes(content)
    return file
