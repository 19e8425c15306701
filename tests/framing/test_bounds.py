"""Bounds of framing: memory stays small and time grows with the size alone, whatever the input is."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Iterator

import pytest

from etl.framing.form import frame
from tests.growth import least_seconds

PATTERNS = {
    "opening brackets": b"[",
    "opening braces": b"{",
    "objects in arrays": b'{"a":[',
    "words": b"abc ",
    "quotes": b'"',
    "no line break": b'{"Meta":{"DataModel":"Order"}} ',
    "rests of messages": b'{"Meta":{}},"n":1',
    "members": b'{"Meta":{}} "Meta": ',
    "zeros": b"\0",
    "open quotes": b'{"b":"x},{"ID":1},{"ID":2,"q":{"r":1}}],"Meta":{"a":1}}\n',
}
CHUNK = 2**20
SMALL = 2**14
FRAME_A_GIGABYTE = """
import sys
from etl.framing.form import frame
pattern = bytes.fromhex(sys.argv[1])
chunk = pattern * (2**20 // len(pattern))
print(sum(len(batch) for batch in frame(chunk for _ in range(1000))))
"""


def chunks(pattern: bytes, size_bytes: int) -> Iterator[bytes]:
    content = pattern * (size_bytes // len(pattern))
    return (content[at : at + CHUNK] for at in range(0, len(content), CHUNK))


def seconds(pattern: bytes, size_bytes: int) -> float:
    return least_seconds(lambda: list(frame(chunks(pattern, size_bytes))))


@pytest.mark.parametrize("name", PATTERNS)
def test_time_is_linear(name: str) -> None:
    once, eight_times = (seconds(PATTERNS[name], size) for size in (SMALL, 8 * SMALL))
    assert eight_times < 20 * once + 0.2


@pytest.mark.parametrize("pattern", [b"\0", b" ", b" \0,", b"\xef\xbb\xbf"])
def test_what_separates_takes_linear_time_in_any_chunks(pattern: bytes) -> None:
    def seconds_of(chunk_count: int) -> float:
        return least_seconds(lambda: list(frame(pattern * 512 for _ in range(chunk_count))))

    once, eight_times = seconds_of(1_000), seconds_of(8_000)
    assert eight_times < 20 * once + 0.2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["opening brackets", "words", "no line break", "zeros"])
def test_a_gigabyte_takes_little_memory(name: str) -> None:
    subprocess.run(
        [sys.executable, "-c", FRAME_A_GIGABYTE, PATTERNS[name].hex()],
        check=True,
        capture_output=True,
        timeout=1200,
    )
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    assert peak_mb < 800
