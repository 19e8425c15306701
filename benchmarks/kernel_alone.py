"""Only the reading of messages: each is checked and hashed, nothing is written.

    python -m benchmarks.kernel_alone FILE [--reader judge]

The time printed is that of reading, from the first byte to the last hash; importing and compiling
the catalog come before it. `READERS` holds one entry for each way of reading there is, the one that
the load uses last.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

Reader = Callable[[Sequence[bytes]], int]


def judge() -> Reader:
    """The typed gate and, for what it refuses, the exact way."""
    from etl.conform.judge import Judge, Limits, Status
    from etl.settings import LoadSettings
    from models.catalog import read_catalog

    limits = LoadSettings()  # type: ignore[call-arg]
    one = Judge(read_catalog(), Limits(limits.max_message_bytes, limits.max_depth))

    def read(lines: Sequence[bytes]) -> int:
        return sum(one.judge(line).status is not Status.QUARANTINED for line in lines)

    return read


READERS: dict[str, Callable[[], Reader]] = {"judge": judge}


def main(arguments: Sequence[str] | None = None) -> None:
    """Read a file's messages and print how many could be read, and how fast."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--reader", choices=READERS, default=list(READERS)[-1])
    given = parser.parse_args(arguments)
    read = READERS[given.reader]()
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
