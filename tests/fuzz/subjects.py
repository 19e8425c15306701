"""What is fuzzed: a callable from texts to what it says of each, (status, hash of the content).

Status is FITS, CONFORMED, or a quarantine reason; the hash is b"" for what is quarantined. Many texts
are given at once, as a load does, so that one of them may disturb the others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from models.tables.plan import plan_tables
from tests.packaged import packaged_catalog

FITS, CONFORMED = "fits", "conformed"
MAX_DEPTH = 128
MAX_BYTES = 2**20
Said = tuple[str, bytes]
Subject = Callable[[Sequence[bytes]], list[Said]]


def one_by_one(classify: Callable[[bytes], Said]) -> Subject:
    """A subject of a callable that takes one text."""
    return lambda texts: [classify(text) for text in texts]


def kernel() -> Subject:
    """The compiled kernel: everything of a unit up to its Arrow tables."""
    from etl.kernel._reader import KEY_BYTES, PADDING
    from etl.kernel.compiled import Compiled
    from etl.kernel.exact import Limits
    from etl.kernel.run import Items, Status, run

    catalog = packaged_catalog()
    limits = Limits(max_bytes=MAX_BYTES, max_depth=MAX_DEPTH)
    secret = bytes(range(1, KEY_BYTES + 1))
    compiled = Compiled(catalog, plan_tables(catalog), limits=limits, secret=secret)
    names = {Status.FITS: FITS, Status.CONFORMED: CONFORMED}

    def classify(texts: Sequence[bytes]) -> list[Said]:
        length = np.asarray([len(text) for text in texts], np.int64)
        nothing = np.zeros(len(texts), np.int64)
        content = b"".join([*texts, bytes(PADDING)])
        items = Items(
            content, np.cumsum(length) - length, length, nothing, nothing.astype(np.int32)
        )
        result = run(items, compiled)
        return [
            (result.reasons[item], b"")
            if status == Status.QUARANTINED
            else (names[Status(status)], result.hashes[item].tobytes())
            for item, status in enumerate(result.status.tolist())
        ]

    return classify


SUBJECTS: dict[str, Callable[[], Subject]] = {"kernel": kernel}
DEFAULT = "kernel"
