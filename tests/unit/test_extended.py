"""Extensions are taken out of fitting messages quickly, with the very result of the exact way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from etl.conform.judge import Conformed, Judge, Limits
from etl.synth import Dials, write_synthetic
from etl.synth.dials import Shares
from models.catalog import read_catalog
from tests.unit.test_judge import message

JUDGE = Judge(read_catalog(), Limits(max_bytes=2**20, max_depth=64))
URL = "https://api.example.org/extensions/favourite-colour"
COLOUR = {"favourite-colour": {"url": URL, "string": "blue"}}


def both_ways(payload: Any) -> tuple[Conformed | None, Conformed]:
    raw = json.dumps(payload).encode()
    return JUDGE._try_extended(raw), JUDGE._conform_exactly(raw)


def described(conformed: Conformed) -> dict[str, Any]:
    """What a message became; order does not matter."""
    aside = conformed.aside
    return {
        "shape": conformed.shape,
        "message": json.loads(conformed.line),
        "fingerprint": conformed.fingerprint,
        "paths": conformed.paths,
        "aside": [
            sorted(map(repr, own))
            for own in (aside.unplaced, aside.forms, aside.extensions, aside.findings)
        ],
    }


def without_nothing(value: Any) -> Any:
    """The exact way leaves out what is not populated."""
    if isinstance(value, dict):
        kept = {key: without_nothing(inner) for key, inner in value.items()}
        return {key: inner for key, inner in kept.items() if inner not in (None, "", {}, [])}
    if isinstance(value, list):
        items = [without_nothing(item) for item in value]
        return [None if item in ({}, "") else item for item in items]
    return value


def assert_same(fast: Conformed, exact: Conformed) -> None:
    one, other = described(fast), described(exact)
    one["message"], other["message"] = (without_nothing(d["message"]) for d in (one, other))
    assert one == other


def test_messages_of_every_event_type_become_the_same(tmp_path: Path) -> None:
    dials = Dials(messages=300, shares=Shares(extensions=1))
    write_synthetic(tmp_path, catalog=read_catalog(), dials=dials)
    lines = b"".join(file.read_bytes() for file in tmp_path.glob("*.ndjson")).splitlines()
    quick = 0
    for raw in lines:
        fast = JUDGE._try_extended(raw)
        if fast is not None:
            quick += 1
            assert_same(fast, JUDGE._conform_exactly(raw))
    assert quick > 0.9 * len(lines)


@pytest.mark.parametrize(
    "extensions",
    [
        COLOUR,
        {},
        {"a": {"url": URL}},
        {"a": {"url": URL, "decimal": 1.50, "object": {"deep": [1e3, None, "x"]}}},
        {"a": {"url": URL, "string": "ünïcode \U0001f600"}, "b": {"url": None, "integer": 7}},
    ],
)
def test_extensions_of_any_kind_become_the_same(extensions: Any) -> None:
    identifiers = [{"ID": "1", "Extensions": extensions}, None, {"Extensions": extensions}]
    fast, exact = both_ways(
        message(Patient={"Identifiers": identifiers, "Extensions": extensions}, Extensions=COLOUR)
    )
    assert fast is not None
    assert_same(fast, exact)


@pytest.mark.parametrize(
    "patient",
    [
        {"Extensions": ["no object"]},
        {"Extensions": {"a": "no object"}},
        {"Extensions": {"a": {"url": 5, "string": "x"}}},
        {"Extensions": COLOUR, "Unlisted": "x"},
        {"Extensions": COLOUR, "Identifiers": {"ID": "1"}},
    ],
)
def test_what_is_odd_besides_goes_the_exact_way(patient: Any) -> None:
    fast, exact = both_ways(message(Patient=patient))
    assert fast is None
    assert exact.aside.unplaced or exact.aside.forms


@pytest.mark.parametrize(
    "text",
    [
        '"Extensions":{"a":{"url":null,"string":"1"},"a":{"url":null,"string":"2"}}',
        '"Extensions":{"a":{"url":null,"string":"1"}},"Extensions":{"a":{"url":null,"string":"2"}}',
        '"Extensions":{"a":{"url":null,"decimal":1e9}},"Identifiers":[{"ID":"1","ID":"2"}]',
    ],
)
def test_repeated_keys_go_the_exact_way(text: str) -> None:
    raw = json.dumps(message()).replace('"Visit"', '"Patient": {' + text + '}, "Visit"').encode()
    assert JUDGE._try_extended(raw) is None
    assert JUDGE.conform(raw).aside.unplaced


def test_spelling_does_not_make_extensions_another_content() -> None:
    raw = json.dumps(message(Patient={"Extensions": {"a": {"url": URL, "decimal": 1}}})).encode()
    spelled = raw.replace(b'"decimal": 1', b'"decimal":  1.00')
    assert JUDGE.judge(raw).fingerprint == JUDGE.judge(spelled).fingerprint


def test_deep_extensions_are_too_deep_either_way() -> None:
    for levels in range(50, 70):
        value: Any = "x"
        for _ in range(levels):
            value = {"a": value}
        extensions = {"a": {"url": None, "object": value}}
        raw = json.dumps(message(Patient={"Extensions": extensions})).encode()
        is_readable = JUDGE.judge(raw).reason == ""
        assert (JUDGE._try_extended(raw) is not None) == is_readable
