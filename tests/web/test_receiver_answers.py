"""What a message is answered, and that exactly its bytes are kept."""

import contextlib
import gzip
import socket
import struct
from collections.abc import Iterator

import pytest
from running_receiver import OTHER_TOKEN, TOKEN, WEB, RunningReceiver

CAP = 2**20


@pytest.mark.parametrize(
    ("name", "body", "headers"),
    [
        ("message", b'{"Meta": {"DataModel": "Results"}}', {"content-type": "application/json"}),
        ("empty", b"", {}),
        ("not JSON", b"<ClinicalDocument/>", {"content-type": "text/xml"}),
        ("not UTF-8", bytes(range(256)), {"content-type": "nonsense"}),
        ("zipped", gzip.compress(b'{"a": 1}', mtime=0), {"content-encoding": "gzip"}),
        ("said to be zipped", b'{"a": 2}', {"content-encoding": "gzip, br"}),
        ("at the cap", b"x" * CAP, {}),
        ("foreign handshake", b'{"verification-token": "wrong", "challenge": "c"}', {}),
        ("upgrade offered", b'{"a": 3}', {"connection": "upgrade", "upgrade": "h2c"}),
    ],
)
def test_whatever_comes_with_a_token_is_stored_as_it_is(
    shared_receiver: RunningReceiver, name: str, body: bytes, headers: dict[str, str]
) -> None:
    answer = shared_receiver.post(body, headers=shared_receiver.headers | headers)
    assert answer.status_code == 200, name
    assert shared_receiver.on_disk()[body] == 1


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_stored_too(shared_receiver: RunningReceiver, method: str) -> None:
    body = f"by {method}".encode()
    answer = WEB.request(method, shared_receiver.url, content=body, headers=shared_receiver.headers)
    assert answer.status_code == 200
    assert shared_receiver.on_disk()[body] == 1


def test_trailing_slash_is_no_redirect(shared_receiver: RunningReceiver) -> None:
    answer = WEB.post(shared_receiver.url + "/", content=b"/", headers=shared_receiver.headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"verification-token": TOKEN}, 200),
        ({"verification-token": OTHER_TOKEN}, 200),
        ({"authorization": f"Bearer {OTHER_TOKEN}"}, 200),
        ({"authorization": "Bearer wrong", "verification-token": TOKEN}, 200),
        ({}, 401),
        ({"authorization": f"Basic {TOKEN}"}, 401),
        ({"verification-token": ""}, 403),
        ({"verification-token": TOKEN[:-1]}, 403),
        ({"authorization": "Bearer wrong"}, 403),
    ],
)
def test_only_a_valid_token_stores(
    shared_receiver: RunningReceiver, headers: dict[str, str], status: int
) -> None:
    stored_before = shared_receiver.metric("stored_total")
    assert shared_receiver.post(b"{}", headers=headers).status_code == status
    assert shared_receiver.metric("stored_total") == stored_before + (status == 200)


def test_token_in_the_query_does_not_store(shared_receiver: RunningReceiver) -> None:
    answer = WEB.post(f"{shared_receiver.url}?verification-token={TOKEN}", content=b"{}")
    assert answer.status_code == 401


def test_large_body_without_a_token_is_refused_unread(shared_receiver: RunningReceiver) -> None:
    assert WEB.post(shared_receiver.url, content=b"x" * (40 * CAP)).status_code == 401


@pytest.mark.parametrize("size_bytes", [CAP + 1, 40 * CAP])
def test_body_over_the_cap_is_413_and_the_sender_is_not_reset(
    shared_receiver: RunningReceiver, size_bytes: int
) -> None:
    head = f"POST /redox HTTP/1.1\r\nHost: x\r\nVerification-Token: {TOKEN}\r\n"
    with socket.create_connection(shared_receiver.address, timeout=5) as connection:
        connection.sendall(f"{head}Content-Length: {size_bytes}\r\n\r\n".encode())
        connection.sendall(b"x" * size_bytes)
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_body_over_the_cap_without_a_length_is_413(shared_receiver: RunningReceiver) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40 * CAP // 2**16):
            yield b"x" * 2**16

    answer = WEB.post(shared_receiver.url, content=chunks(), headers=shared_receiver.headers)
    assert answer.status_code == 413


def test_sender_that_waits_for_continue_sends_nothing_in_vain(
    shared_receiver: RunningReceiver,
) -> None:
    head = (
        f"POST /redox HTTP/1.1\r\nHost: x\r\nVerification-Token: {TOKEN}\r\n"
        f"Expect: 100-continue\r\nContent-Length: {CAP + 1}\r\n\r\n"
    )
    with socket.create_connection(shared_receiver.address, timeout=5) as connection:
        connection.sendall(head.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_chunked_body_is_stored_whole(shared_receiver: RunningReceiver) -> None:
    parts = [b'{"part": ', b"1", b"}" * 100_000]
    answer = WEB.post(shared_receiver.url, content=iter(parts), headers=shared_receiver.headers)
    assert answer.status_code == 200
    assert shared_receiver.on_disk()[b"".join(parts)] == 1


def test_get_with_a_token_stores_nothing(shared_receiver: RunningReceiver) -> None:
    stored_before = shared_receiver.metric("stored_total")
    assert WEB.get(shared_receiver.url, headers=shared_receiver.headers).status_code == 200
    assert shared_receiver.metric("stored_total") == stored_before


def test_unknown_path_is_counted(shared_receiver: RunningReceiver) -> None:
    before = shared_receiver.metric('rejected_total{reason="not_found"}')
    assert shared_receiver.get("/elsewhere").status_code == 404
    assert shared_receiver.metric('rejected_total{reason="not_found"}') == before + 1


def test_health_and_readiness(shared_receiver: RunningReceiver) -> None:
    assert shared_receiver.get("/healthz").status_code == 200
    assert shared_receiver.get("/readyz").status_code == 200


@pytest.mark.parametrize("last", [b"\0\1\2", b""], ids=["no HTTP", "reset"])
def test_pipelined_requests_of_a_closed_connection_are_left(
    shared_receiver: RunningReceiver, last: bytes
) -> None:
    """Several requests in one read, and the connection is closed before they are answered."""
    head = f"POST /redox HTTP/1.1\r\nHost: x\r\nVerification-Token: {TOKEN}\r\n"
    log_start = len(shared_receiver.log)
    for number in range(20):
        bodies = [f"{last.hex()} pipelined {number} {place}".encode() for place in range(3)]
        requests = b"".join(
            f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies
        )
        with socket.create_connection(shared_receiver.address, timeout=10) as sender:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sender.sendall(requests + last)
            if last:
                sender.settimeout(10)
                with contextlib.suppress(ConnectionResetError):
                    sender.recv(4096)
    shared_receiver.post(b"behind them")
    assert " ERROR " not in shared_receiver.log[log_start:]
