"""Only the reading of messages: each is checked and hashed, nothing is written.

    python -m benchmarks.kernel_alone FILE

The time printed is that of reading, from the first byte to the last hash; importing and compiling
the catalog come before it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from etl.sections import LoadSettings
from models.catalog import read_catalog
from models.tables.plan import plan_tables

Reader = Callable[[Sequence[bytes]], int]


def kernel() -> Reader:
    """The compiled kernel, in units as large as those of a load, up to their Arrow tables."""
    from etl.kernel._reader import KEY_BYTES, PADDING
    from etl.kernel.compiled import Compiled
    from etl.kernel.exact import Limits
    from etl.kernel.run import Items, Status, run
    from etl.pipeline.units import UNIT_BYTES

    catalog, chosen = read_catalog(), LoadSettings()  # type: ignore[call-arg]
    limits = Limits(chosen.max_message_bytes, chosen.max_depth)
    secret = bytes(range(KEY_BYTES))
    compiled = Compiled(catalog, plan_tables(catalog), limits=limits, secret=secret)

    def read(lines: Sequence[bytes]) -> int:
        loadable = 0
        size = max(1, len(lines) * UNIT_BYTES // max(1, sum(map(len, lines))))
        for start in range(0, len(lines), size):
            unit = lines[start : start + size]
            length = np.asarray([len(line) for line in unit], np.int64)
            none = np.zeros(len(unit), np.int64)
            content = b"".join([*unit, bytes(PADDING)])
            offset = np.cumsum(length) - length
            result = run(Items(content, offset, length, none, none.astype(np.int32)), compiled)
            loadable += int(np.count_nonzero(result.status != Status.QUARANTINED))
        return loadable

    return read


def main(arguments: Sequence[str] | None = None) -> None:
    """Read a file's messages and print how many could be read, and how fast."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path)
    given = parser.parse_args(arguments)
    read = kernel()
    warm = given.file.open("rb").readline()
    read([warm])
    lines = given.file.read_bytes().splitlines()
    started, cpu_s = time.perf_counter(), time.process_time()
    loadable = read(lines)
    figures = {
        "messages": len(lines),
        "refused": len(lines) - loadable,
        "seconds": time.perf_counter() - started,
        "cpu_s": time.process_time() - cpu_s,
    }
    print("\n" + json.dumps(figures))


if __name__ == "__main__":
    main()
