"""Envelopes: the message comes out byte for byte, with its time where the envelope tells."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etl.sources.envelope import BadEnvelope, unwrap, unwrap_all
from etl.sources.envelope_keys import find_key

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
    "base64 for URLs": (
        wrap(body=base64.urlsafe_b64encode(BODY).decode().rstrip("="), isBase64Encoded=True),
        "body",
    ),
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


SECOND = BODY.replace(b"1.10", b"2.20")
NESTED = json.dumps({"Message": BODY.decode()})
IN_BASE64 = base64.b64encode(BODY).decode()
DEEP: dict[str, tuple[dict[str, Any], str]] = {
    "a queue": (
        {"Messages": [{"Body": BODY.decode()}, {"Body": SECOND.decode()}]},
        "Messages[].Body",
    ),
    "a topic": (
        {"Records": [{"Sns": {"Message": BODY.decode()}}, {"Sns": {"Message": SECOND.decode()}}]},
        "Records[].Sns.Message",
    ),
    "a stream": (
        {
            "Records": [
                {"kinesis": {"data": base64.b64encode(one).decode()}} for one in (BODY, SECOND)
            ]
        },
        "Records[].kinesis.data",
    ),
    "elements": ({"items": [json.loads(BODY), json.loads(SECOND)]}, "items[]"),
}


@pytest.mark.parametrize("name", DEEP)
def test_every_element_gives_its_message(name: str) -> None:
    item, key = DEEP[name]
    found = [one.body for one in unwrap_all(wrap(**item), key) if one]
    assert [json.loads(body) for body in found] == [json.loads(BODY), json.loads(SECOND)]


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"body": NESTED}, "body.Message"),
        ({"body": base64.b64encode(NESTED.encode()).decode()}, "body.Message"),
        (
            {"body": base64.urlsafe_b64encode(NESTED.encode()).decode().rstrip("=")},
            "body.Message",
        ),
        ({"message": {"data": IN_BASE64}}, "message.data"),
        ({"a": json.dumps({"b": NESTED})}, "a.b.Message"),
    ],
)
def test_text_and_base64_on_the_way_are_read(fields: dict[str, Any], key: str) -> None:
    assert unwrap(wrap(**fields), key).body == BODY


def test_an_element_without_a_message_costs_no_other() -> None:
    found = unwrap_all(wrap(Records=[{"Sns": 1}, {"Sns": {"Message": BODY.decode()}}, 7]),
                       "Records[].Sns.Message")  # fmt: skip
    assert [one.body if one else None for one in found] == [None, BODY, None]


@pytest.mark.parametrize("text", ["QUJDREVGR0hJSktMTU5PUFFSU1RV", "plain words", "e30=", ""])
def test_text_that_only_looks_like_base64_stays(text: str) -> None:
    assert unwrap(wrap(body=text), "body").body == text.encode()


@pytest.mark.parametrize(
    "fields",
    [
        {"received_at": {"$date": "2024-02-03T10:00:00Z"}},
        {"createdAt": {"$date": {"$numberLong": str(SECONDS * 1_000)}}},
        {"Attributes": {"SentTimestamp": str(SECONDS * 1_000)}},
        {"publishTime": "2024-02-03T10:00:00.000Z"},
        {"approximateArrivalTimestamp": float(SECONDS)},
        {"eventTime": "2024-02-03T10:00:00Z"},
    ],
)
def test_usual_names_of_times_are_read(fields: dict[str, Any]) -> None:
    assert unwrap(wrap(**fields, body={}), "body").received_at == TEN


MESSAGE = {"Meta": {"DataModel": "Order"}}
TEXT = json.dumps(MESSAGE)


@pytest.mark.parametrize(
    ("item", "key"),
    [
        ({"body": MESSAGE}, "body"),
        ({"id": 1, "payload": TEXT}, "payload"),
        ({"Messages": [{"Body": TEXT}]}, "Messages[].Body"),
        ({"Records": [{"Sns": {"Message": TEXT}}]}, "Records[].Sns.Message"),
        ({"body": json.dumps({"Message": TEXT})}, "body.Message"),
        ({"message": {"data": base64.b64encode(TEXT.encode()).decode()}}, "message.data"),
        ({"items": [MESSAGE]}, "items"),
        ({"body": json.dumps([MESSAGE])}, "body"),
        ({"Smith, John": MESSAGE}, ""),
        ({"Meta": {}}, ""),
        (MESSAGE, ""),
        ([1, "x"], ""),
    ],
)
def test_the_key_that_leads_to_messages_is_found(item: Any, key: str) -> None:
    assert find_key(json.dumps(item).encode()) == key


def test_looking_for_a_key_ends() -> None:
    assert find_key(json.dumps({"a": [[{"b": "x" * 50}] * 50] * 500}).encode()) == ""
    assert find_key(b'{"a":' * 100_000) == ""
