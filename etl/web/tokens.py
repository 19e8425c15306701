"""The verification tokens that are valid now, and the tokens a request presents.

Only digests are kept, and every comparison takes the same time. Where the tokens are is a
setting; what a request without one is told lives in `etl.web.receiver`.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from etl.errors import UsageFault
from etl.setting_sources import read_token_file

log = logging.getLogger(__name__)

Stamp = tuple[int, int, int]
"""What tells that a file changed: modification time, size, inode."""


class TokenBook:
    """Tokens from the settings and from a file; two or more are valid during a rotation."""

    def __init__(self, *, fixed: str, token_file: Path | None) -> None:
        """Take the tokens; raises UsageFault when there is none or the file cannot be read."""
        self._fixed = _digests(fixed.split())
        self._file = token_file
        self._stamp: Stamp | None = None
        self._from_file: tuple[bytes, ...] = ()
        if token_file is not None:
            self._read_first(token_file)
        if not self._fixed and not self._from_file:
            raise UsageFault(
                "The receiver has no verification token; set REDOX_WAREHOUSE_RECEIVE__TOKENS or "
                "write one token per line into the file that receive.token_file names."
            )

    def __len__(self) -> int:
        return len(self._fixed) + len(self._from_file)

    def has_any(self, presented: Iterable[bytes]) -> bool:
        """Tell whether one of the presented tokens is valid, in constant time."""
        is_valid = False
        for token in presented:
            digest = sha256(token).digest()
            for known in (*self._fixed, *self._from_file):
                is_valid |= hmac.compare_digest(digest, known)
        return is_valid

    def refresh(self) -> None:
        """Read the file again when it changed; an unreadable or empty file leaves all as it is."""
        if self._file is None:
            return
        try:
            if _stamp(self._file) == self._stamp:
                return
            stamp, digests = _read_tokens(self._file)
        except OSError as error:
            log.warning("token file not readable (%s); the known tokens stay valid", error.strerror)
            return
        self._stamp = stamp
        if not digests:
            log.warning("token file holds no token; the known tokens stay valid")
            return
        self._from_file = digests
        log.info("token file read: %d tokens are valid", len(self))

    def _read_first(self, token_file: Path) -> None:
        try:
            self._stamp, self._from_file = _read_tokens(token_file)
        except OSError as error:
            raise UsageFault(
                f"The token file {token_file} cannot be read ({error.strerror}); correct "
                f"receive.token_file or the file's permissions."
            ) from error


def presented_tokens(headers: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    """Collect the tokens of `verification-token` and `Authorization: Bearer` headers."""
    tokens = []
    for name, value in headers:
        if name == b"verification-token":
            tokens.append(value.strip())
        elif name == b"authorization" and value[:7].lower() == b"bearer ":
            tokens.append(value[7:].strip())
    return tokens


def _read_tokens(token_file: Path) -> tuple[Stamp, tuple[bytes, ...]]:
    stamp = _stamp(token_file)
    return stamp, _digests(read_token_file(token_file))


def _digests(tokens: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(sha256(token.encode()).digest() for token in tokens)


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_mtime_ns, status.st_size, status.st_ino
