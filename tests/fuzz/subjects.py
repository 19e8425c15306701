"""What is fuzzed: a callable from bytes to (status, hash of the content).

Status is FITS, CONFORMED, or a quarantine reason; the hash is b"" for what is quarantined. A subject
may also give the leaves of a message that fits.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from models.catalog import read_catalog

FITS, CONFORMED = "fits", "conformed"
MAX_DEPTH = 128
MAX_BYTES = 2**20
Classify = Callable[[bytes], tuple[str, bytes]]


def conform() -> Classify:
    """The typed gate and the exact way of `etl.conform`."""
    from etl.conform.judge import Judge, Limits, Status

    judge = Judge(read_catalog(), Limits(max_bytes=MAX_BYTES, max_depth=MAX_DEPTH))

    def classify(text: bytes) -> tuple[str, bytes]:
        judgement = judge.judge(text)
        if judgement.status is Status.QUARANTINED:
            return judgement.reason, b""
        status = FITS if judgement.status is Status.FITS else CONFORMED
        return status, judgement.fingerprint

    return classify


SUBJECTS: dict[str, Callable[[], Classify]] = {"conform": conform}


def default_subject() -> str:
    """The compiled kernel where it is known here and built, else the exact way."""
    is_built = "kernel" in SUBJECTS and importlib.util.find_spec("etl.kernel") is not None
    return "kernel" if is_built else "conform"
