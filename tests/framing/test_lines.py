"""Lines: read together or one by one, the same lines are found."""

from __future__ import annotations

import random

import pytest

from etl.framing import lines as reading
from etl.framing.lines import find_lines

LINE = b'{"Meta":{"a":"}{"}}'
ODD = [LINE + b"\r", b" " + LINE, LINE + LINE, b"", b"{oops}", b"[1]", b'{"a":NaN}', LINE + b","]


def write(rng: random.Random, odd_at: int) -> bytes:
    lines = [LINE.replace(b"a", b"a" * rng.randint(1, 9)) for _ in range(40)]
    if odd_at >= 0:
        lines[odd_at] = rng.choice(ODD)
    return b"\n".join(lines) + b"\n"


@pytest.mark.parametrize("odd_at", [-1, 0, 5, 20, 38, 39])
def test_both_readings_find_the_same_lines(odd_at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(20):
        content = write(random.Random(seed), odd_at)
        together = find_lines(content, 0)
        with monkeypatch.context() as patch:
            patch.setattr(reading, "_read_together", lambda *_: None)
            singly = find_lines(content, 0)
        assert (together is None) == (singly is None)
        if together is not None and singly is not None:
            assert together.offset.tolist() == singly.offset.tolist()
            assert together.length.tolist() == singly.length.tolist()
            assert together.end == singly.end


def test_a_value_of_several_lines_is_one_line() -> None:
    pretty = b'{\n "a": 1\n}'
    content = b"\n".join([LINE] * 10 + [pretty] + [LINE] * 10)
    found = find_lines(content + b"\n", 0)
    assert found is not None
    values = [content[a : a + n] for a, n in zip(found.offset, found.length, strict=True)]
    assert values[:10] == [LINE] * 10
    assert values[10:11] in ([], [pretty])
