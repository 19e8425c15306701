"""Envelopes: the message comes out byte for byte, with its time where the envelope tells."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.ingest.envelope import BadEnvelope, unwrap

BODY = b'{"Meta": {"DataModel":"Order"}, "n": 1.10, "n": 2}'
TEN = datetime(2024, 2, 3, 10, 0, tzinfo=UTC)
SECONDS = int(TEN.timestamp())


def wrap(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


ENVELOPES = {
    "object": (b'{"headers": {}, "body": ' + BODY + b" }", "body"),
    "last of two": (b'{"body": 1, "body": ' + BODY + b"}", "body"),
    "text": (wrap(body=BODY.decode()), "body"),
    "base64": (wrap(body=base64.b64encode(BODY).decode(), isBase64Encoded=True), "body"),
    "base64 in lines": (
        wrap(body=base64.encodebytes(BODY).decode(), is_base64_encoded=True),
        "body",
    ),
    "not base64": (wrap(body=BODY.decode(), isBase64Encoded=False), "body"),
    "deep": (b'{"detail": {"inner": {"body":' + BODY + b"}}}", "detail.inner.body"),
    "deep, flagged outside": (
        wrap(isBase64Encoded=True, detail={"body": base64.b64encode(BODY).decode()}),
        "detail.body",
    ),
    "dot in the name": (b'{"detail.body":' + BODY + b"}", "detail.body"),
    "byte order mark": (b'\xef\xbb\xbf{"body":' + BODY + b"}", "body"),
}


@pytest.mark.parametrize("name", ENVELOPES)
def test_the_message_comes_out_as_stored(name: str) -> None:
    item, key = ENVELOPES[name]
    assert unwrap(item, key).body == BODY


@given(st.text())
def test_a_text_body_comes_out_as_its_characters(text: str) -> None:
    try:
        expected = text.encode()
    except UnicodeEncodeError:
        return
    assert unwrap(wrap(body=text), "body").body == expected


@pytest.mark.parametrize(
    ("item", "key"),
    [
        (b"", "body"),
        (b"not json", "body"),
        (b"[1]", "body"),
        (b'"body"', "body"),
        (b"{}", "body"),
        (b'{"body": null}', "body"),
        (b'{"body": {"a": 1}}', "body.b"),
        (b'{"body": 5}', "body.b"),
        (b'{"detail": "x"}', "detail.body"),
        (b'{"body": ' + BODY, "body"),
        (wrap(body="***", isBase64Encoded=True), "body"),
        (wrap(body="ÄÖ==", isBase64Encoded=True), "body"),
        (b'{"body": "\\ud800"}', "body"),
        (b'{"body": "\xff"}', "body"),
        (b'{"body": ' + b"[" * 100_000, "body"),
    ],
)
def test_what_is_no_envelope_is_told_without_its_data(item: bytes, key: str) -> None:
    with pytest.raises(BadEnvelope) as told:
        unwrap(item, key)
    assert str(told.value) == ""
    assert told.value.__suppress_context__


@pytest.mark.parametrize(
    "fields",
    [
        {"received_at": "2024-02-03T10:00:00Z"},
        {"receivedAt": "2024-02-03T10:00:00.0000000Z"},
        {"Received-At": "2024-02-03T11:00:00+01:00"},
        {"timestamp": "2024-02-03T10:00:00"},
        {"Timestamp": "2024-02-03 10:00"},
        {"time": SECONDS},
        {"time": float(SECONDS)},
        {"time": SECONDS * 1_000},
        {"time": SECONDS * 1_000_000},
        {"time": SECONDS * 1_000_000_000},
        {"time": str(SECONDS)},
        {"time": str(SECONDS * 1_000)},
        {"created_at": f" {SECONDS}.0 "},
        {"requestContext": {"timeEpoch": SECONDS * 1_000}},
        {"timestamp": "nonsense", "time": SECONDS},
        {"received_at": None, "time": SECONDS},
        {"time": "1999-01-01", "received_at": "2024-02-03T10:00:00Z"},
    ],
)
def test_the_time_is_read(fields: dict[str, Any]) -> None:
    assert unwrap(wrap(**fields, body={}), "body").received_at == TEN


@pytest.mark.parametrize(
    "raw",
    [
        b'""', b"null", b"true", b"{}", b"[]", b"0", b"12345", b"-1e300", b"1e300", b'"24:00"',
        b'"0001-01-01T00:00:00+14:00"', b'"9999-12-31T23:59:59-14:00"', b'"\xff"',
        b'"99999999999999999999"', b'"\xd9\xa1\xd9\xa2"',
    ],
)  # fmt: skip
def test_a_time_that_is_none_does_not_cost_the_message(raw: bytes) -> None:
    found = unwrap(b'{"received_at":' + raw + b',"body":{}}', "body")
    assert (found.body, found.received_at) == (b"{}", None)


def test_the_outer_time_wins() -> None:
    item = wrap(time=SECONDS, detail={"time": SECONDS + 99, "body": {}})
    assert unwrap(item, "detail.body").received_at == TEN
    item = wrap(detail={"time": SECONDS, "body": {}})
    assert unwrap(item, "detail.body").received_at == TEN
