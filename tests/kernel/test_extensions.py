"""Extensions of messages that fit but for them: read quickly, with the very result of the exact way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from etl.kernel.exact import Refused
from etl.kernel.run import Status
from etl.synth import Dials, write_synthetic
from etl.synth.dials import Shares
from tests.kernel.one_message import COMPILED, message, run_messages, see
from tests.packaged import packaged_catalog

URL = "https://api.example.org/extensions/favourite-colour"
COLOUR = {"favourite-colour": {"url": URL, "string": "blue"}}
EXTENSION = "core.extension"


def extension_rows(raw: bytes) -> list[dict[str, Any]]:
    side = run_messages(raw).side
    rows = side.rows[EXTENSION].to_pylist() if EXTENSION in side.rows else []
    return sorted(rows, key=repr)


def exact_rows(raw: bytes) -> list[dict[str, Any]]:
    conformed = COMPILED.exact.conform(raw)
    rows = [
        {
            "message_no": 0,
            "owner_path": row.owner_path,
            "ordinals": list(row.ordinals),
            "slug": row.slug,
            "value_type": row.value_type,
            "json_type": row.json_type,
            "url": row.url,
            "value": row.value,
        }
        for row in conformed.aside.extensions
    ]
    return sorted(rows, key=repr)


@pytest.mark.parametrize("messages", [111, pytest.param(300, marks=pytest.mark.slow)])
def test_messages_of_every_event_type_become_the_same(tmp_path: Path, messages: int) -> None:
    dials = Dials(messages=messages, shares=Shares(extensions=1))
    write_synthetic(tmp_path, catalog=packaged_catalog(), dials=dials)
    lines = b"".join(file.read_bytes() for file in tmp_path.glob("*.ndjson")).splitlines()
    quick = 0
    for raw in lines:
        if see(raw).status is Status.FITS:
            quick += 1
            assert see(raw).content_hash == COMPILED.exact.conform(raw).content_hash
            assert extension_rows(raw) == exact_rows(raw)
    assert quick > 0.9 * len(lines)


@pytest.mark.parametrize(
    "extensions",
    [
        COLOUR,
        {},
        {"a": {"url": URL}},
        {"a": {"url": URL, "decimal": 1.5, "object": {"deep": [1000, None, "x"]}}},
        {"a": {"url": URL, "string": "ünïcode \U0001f600"}, "b": {"url": None, "integer": 7}},
    ],
)
def test_extensions_of_any_kind_become_the_same(extensions: Any) -> None:
    identifiers = [{"ID": "1", "Extensions": extensions}, None, {"ID": "2"}]
    payload = message(
        Patient={"Identifiers": identifiers, "Extensions": extensions}, Extensions=COLOUR
    )
    raw = json.dumps(payload).encode()
    assert see(raw).status is Status.FITS
    assert see(raw).content_hash == COMPILED.exact.conform(raw).content_hash
    assert extension_rows(raw) == exact_rows(raw)


@pytest.mark.parametrize(
    "patient",
    [
        {"Identifiers": [{"Extensions": COLOUR}, {"ID": "1"}]},
        {"Extensions": COLOUR, "Unlisted": "x"},
        {"Extensions": COLOUR, "Identifiers": {"ID": "1"}},
    ],
)
def test_what_is_odd_besides_goes_the_exact_way(patient: Any) -> None:
    raw = json.dumps(message(Patient=patient)).encode()
    assert see(raw).status is Status.CONFORMED
    assert extension_rows(raw) == exact_rows(raw)


@pytest.mark.parametrize(
    "extensions", [["no object"], {"a": "no object"}, {"a": {"url": 5, "string": "x"}}]
)
def test_extensions_of_another_shape_are_unplaced(extensions: Any) -> None:
    raw = json.dumps(message(Patient={"Extensions": extensions})).encode()
    unplaced = run_messages(raw).side.rows["core.unplaced_value"].to_pylist()
    assert [row["reason"] for row in unplaced] == ["extension_shape"]


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
    assert see(raw).status is Status.CONFORMED
    assert COMPILED.exact.conform(raw).aside.unplaced


def test_spelling_does_not_make_extensions_another_content() -> None:
    raw = json.dumps(message(Patient={"Extensions": {"a": {"url": URL, "decimal": 1}}})).encode()
    spelled = raw.replace(b'"decimal": 1', b'"decimal":  1.00')
    assert see(raw).content_hash == see(spelled).content_hash


def test_deep_extensions_are_too_deep_either_way() -> None:
    for levels in range(50, 70):
        value: Any = "x"
        for _ in range(levels):
            value = {"a": value}
        extensions = {"a": {"url": None, "object": value}}
        raw = json.dumps(message(Patient={"Extensions": extensions})).encode()
        answer = COMPILED.exact.conform_all([raw])[0]
        assert (see(raw).reason == "too_deep") == isinstance(answer, Refused)
