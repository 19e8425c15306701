"""A slice of `make fuzz`, and proof that the harness would notice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import __main__ as command
from tests.fuzz.compare import Comparison
from tests.fuzz.inputs import SAME, inputs
from tests.fuzz.spelling import number
from tests.fuzz.subjects import DEFAULT, SUBJECTS, Said, Subject, one_by_one
from tests.fuzz.values import NUMBERS
from tests.reference.classify import classify
from tests.reference.json_text import canonical_number, parse
from tests.reference.shapes import Listed, read_listed

INPUTS = 1_500


@pytest.fixture(scope="module")
def listed() -> Mapping[str, Listed]:
    return read_listed()


def differences(subject: Subject, listed: Mapping[str, Listed], count: int) -> set[str]:
    comparison = Comparison(subject, listed)
    comparison.run(inputs("slice", listed, count))
    return set(comparison.tally.differences)


def test_slice_agrees_with_the_reference(listed: Mapping[str, Listed]) -> None:
    assert differences(SUBJECTS[DEFAULT](), listed, INPUTS) == set()


def reference(listed: Mapping[str, Listed]) -> Callable[[bytes], Said]:
    """The reference as a subject, to which nothing is different."""

    def subject(text: bytes) -> Said:
        found = classify(text, listed, max_depth=128, max_bytes=2**20)
        if found.reason:
            return found.reason, b""
        return "fits" if found.fit == "fits" else "conformed", found.content

    return subject


def test_reference_agrees_with_itself(listed: Mapping[str, Listed]) -> None:
    assert differences(one_by_one(reference(listed)), listed, 300) == set()


def test_hash_of_spelling_is_noticed(listed: Mapping[str, Listed]) -> None:
    right = reference(listed)

    def of_bytes(text: bytes) -> Said:
        status, content = right(text)
        return status, content and hashlib.sha256(text).digest()

    assert differences(one_by_one(of_bytes), listed, 300) == {"two hashes for one content"}


def test_hash_of_last_values_is_noticed(listed: Mapping[str, Listed]) -> None:
    right = reference(listed)

    def of_last_values(text: bytes) -> Said:
        status, content = right(text)
        plain = json.dumps(json.loads(text.decode("utf-8-sig")), sort_keys=True) if content else ""
        return status, content and hashlib.sha256(plain.encode()).digest()

    assert "one hash for two contents" in differences(one_by_one(of_last_values), listed, 600)


def test_lenient_status_is_noticed(listed: Mapping[str, Listed]) -> None:
    right = reference(listed)

    def lenient(text: bytes) -> Said:
        status, content = right(text)
        return "fits" if content else status, content

    found = differences(one_by_one(lenient), listed, 300)
    assert found == {"fits, but something has to be kept beside it"}


def test_crash_is_a_difference(listed: Mapping[str, Listed]) -> None:
    def crash(_: bytes) -> Said:
        raise MemoryError

    assert differences(one_by_one(crash), listed, 10) == {"raises MemoryError"}


def test_inputs_of_a_seed_are_the_same_and_cover_all_kinds(listed: Mapping[str, Listed]) -> None:
    first = list(inputs("a", listed, 200))
    assert first == list(inputs("a", listed, 200))
    assert first != list(inputs("b", listed, 200))
    assert len({given.kind for given in first}) == 4


def test_respelled_texts_are_equal_contents(listed: Mapping[str, Listed]) -> None:
    right = reference(listed)
    for given in inputs("respelled", listed, 300):
        if given.kind == SAME:
            assert right(given.text)[1] == right(given.origin)[1]


@pytest.mark.parametrize("text", NUMBERS)
def test_respelled_number_is_the_same_number(text: str) -> None:
    random = Random(text)
    for _ in range(20):
        spelled = number(text, random)
        parse(spelled.encode())
        assert canonical_number(spelled) == canonical_number(text)


def test_run_resumes_and_adds_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    listed: Mapping[str, Listed],
) -> None:  # fmt: skip
    monkeypatch.setattr(command, "BLOCK", 50)
    monkeypatch.setitem(SUBJECTS, DEFAULT, lambda: one_by_one(reference(listed)))
    state = tmp_path / "figures.jsonl"
    given = ["--inputs", "100", "--state", str(state)]

    assert command.main(given) == 0
    state.write_text(state.read_text() + '\n{"subject": "conf')  # a run killed while writing
    assert command.main(given) == 0

    lines = [json.loads(line) for line in state.read_text().splitlines() if line.endswith("}")]
    assert [line["block"] for line in lines] == [0, 1, 2, 3]
    assert "200 inputs" in capsys.readouterr().out
