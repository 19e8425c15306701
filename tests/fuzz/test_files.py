"""A slice of `make fuzz-files`, and proof that the account of bytes would notice."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from etl.landing.store import LandedObject, Landing
from tests.fuzz import files as command
from tests.fuzz.odd_files import KINDS, make_file

TEXT = b'{"a":1}\n{"b":2}\n'
OBJECT_ID = hashlib.sha256(TEXT).hexdigest()
SPANS = [(0, 7), (8, 7)]
OUTCOMES = Counter([0, 1])


def test_slice_keeps_every_promise_and_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "BLOCK", 40)
    monkeypatch.setattr(command, "GROWN_BYTES", (2**14, 2**18))
    state = tmp_path / "files.jsonl"
    given = ["--files", "40", "--state", str(state)]
    assert command.main(given) == 0
    state.write_text(state.read_text() + '\n{"subject": "fil')  # a run killed while writing
    assert command.main(given) == 0
    lines = [json.loads(line) for line in state.read_text().splitlines() if line.endswith("}")]
    assert [line["block"] for line in lines] == [0, 1]
    assert all(line["outcomes"]["unaccounted bytes"] == 0 for line in lines)
    assert "80 files" in capsys.readouterr().out
    assert not (tmp_path / "files.jsonl.broken").exists()


def test_file_of_a_seed_is_the_same_and_all_kinds_come() -> None:
    made = [make_file(f"a/{at}") for at in range(300)]
    assert made == [make_file(f"a/{at}") for at in range(300)]
    assert {one.kind for one in made} == set(KINDS)


@pytest.mark.parametrize(
    ("object_id", "spans", "outcomes", "promise"),
    [
        (OBJECT_ID, SPANS, OUTCOMES, ""),
        ("0" * 64, SPANS, OUTCOMES, "other bytes are kept"),
        (OBJECT_ID, SPANS, Counter([0]), "an item without exactly one outcome"),
        (OBJECT_ID, SPANS, Counter([0, 1, 1]), "an item without exactly one outcome"),
        (OBJECT_ID, SPANS[:1], Counter([0]), "bytes in no item"),
        (OBJECT_ID, [(0, 7), (6, 9)], OUTCOMES, "bytes in no item"),
    ],
)
def test_broken_account_is_noticed(
    object_id: str, spans: list[tuple[int, int]], outcomes: Counter[int], promise: str
) -> None:
    assert command._broken_promise(object_id, TEXT, spans, outcomes) == promise


def test_file_that_breaks_the_load_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [make_file(f"b/{at}") for at in range(3)]

    kept = Landing.land

    def explode(given: bytes) -> None:
        if given.startswith(made[1].text):
            raise MemoryError

    def land(self: Landing, stream: BinaryIO, **options: Any) -> LandedObject:
        return kept(self, stream, **(options | {"check_head": explode}))

    monkeypatch.setattr(Landing, "land", land)
    monkeypatch.setattr(command, "GROWN_BYTES", (2**12, 2**13))
    monkeypatch.setattr(command, "MOST_GROWTH", 100.0)
    broken = command.load_files(made).broken
    assert list(broken.items()) == [("raises MemoryError: 000001", made[1])]
