"""Redox's verification request, in every documented form."""

import pytest
from running_receiver import OTHER_TOKEN, TOKEN, WEB, RunningReceiver

from etl.web.handshake import Handshake, handshake_in_body, handshake_in_query

CHALLENGE = "2e73f864-a0e9-4764-a7d5-91fe5836db22"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"challenge=c&verification-token=t" + b"&" * 4096, None),
        (b"", None),
        (b"verification-token=t", None),
        (b"challenge=c", Handshake(b"c", ())),
        (b"challenge=c&verification-token=t", Handshake(b"c", (b"t", b"t"))),
        (b"verification-token=t&challenge=", Handshake(b"", (b"t", b"t"))),
        (b"challenge=a%20b&verification-token=a+b%3D", Handshake(b"a b", (b"a+b=", b"a b="))),
        (b"challenge=%ff&&=&x", Handshake(b"\xff", ())),
    ],
)
def test_query_holds_a_handshake(query: bytes, expected: Handshake | None) -> None:
    assert handshake_in_query(query) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"challenge": "c"}',
        b'{"verification-token": "t"}',
        b'{"challenge": 1, "verification-token": "t"}',
        b'{"challenge": "c", "verification-token": null}',
        b'["challenge", "verification-token"]',
        b'"challenge" "verification-token"',
        b'{"challenge": "c", "verification-token": "t"',
        b'{"Meta": {}, "challenge": "c", "verification-token": "t"}',
        b'{"challenge":"verification-token","x":' + b"[" * 15_000,
        b'{"challenge":"c","verification-token":"t","x":"' + b"x" * 20_000 + b'"}',
    ],
)
def test_body_is_no_handshake(body: bytes) -> None:
    assert handshake_in_body(body) is None


def test_post_with_the_token_in_the_body_gives_the_bare_challenge(
    shared_receiver: RunningReceiver,
) -> None:
    body = {"verification-token": TOKEN, "challenge": CHALLENGE}
    answer = WEB.post(shared_receiver.url, json=body)
    assert (answer.status_code, answer.text) == (200, CHALLENGE)
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("token", [TOKEN, OTHER_TOKEN])
def test_get_with_the_token_in_the_query_gives_the_bare_challenge(
    shared_receiver: RunningReceiver, token: str
) -> None:
    query = {"challenge": CHALLENGE, "verification-token": token}
    answer = WEB.get(shared_receiver.url, params=query)
    assert (answer.status_code, answer.text) == (200, CHALLENGE)


def test_older_get_with_the_token_in_the_header_gives_the_bare_challenge(
    shared_receiver: RunningReceiver,
) -> None:
    answer = WEB.get(
        shared_receiver.url, params={"challenge": CHALLENGE}, headers=shared_receiver.headers
    )
    assert (answer.status_code, answer.text) == (200, CHALLENGE)


@pytest.mark.parametrize(("token", "status"), [("wrong", 403), (None, 401)])
def test_handshake_without_a_valid_token_learns_nothing(
    shared_receiver: RunningReceiver, token: str | None, status: int
) -> None:
    fields = {"challenge": CHALLENGE} | ({"verification-token": token} if token else {})
    answers = [
        WEB.get(shared_receiver.url, params=fields),
        WEB.post(shared_receiver.url, json=fields),
    ]
    assert [answer.status_code for answer in answers] == [status, status]
    assert not any(CHALLENGE in answer.text for answer in answers)


def test_handshake_with_a_bearer_header_is_answered_and_its_token_not_stored(
    shared_receiver: RunningReceiver,
) -> None:
    stored_before = shared_receiver.metric("stored_total")
    body = {"verification-token": OTHER_TOKEN, "challenge": CHALLENGE}
    headers = {"authorization": f"Bearer {TOKEN}"}
    answer = WEB.post(shared_receiver.url, json=body, headers=headers)
    assert (answer.status_code, answer.text) == (200, CHALLENGE)
    assert shared_receiver.metric("stored_total") == stored_before
