"""Slow, broken and many senders; and a stop in the middle of it."""

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from running_receiver import TOKEN, RunningReceiver, Starter, launch, wait_for_address, wait_until

HEAD = f"POST /redox HTTP/1.1\r\nHost: x\r\nVerification-Token: {TOKEN}\r\n"


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningReceiver]:
    """A receiver that stores nothing in these tests and soon cuts slow senders."""
    home = tmp_path_factory.mktemp("impatient") / "home"
    receiver = wait_for_address(launch(home, idle_timeout_s=0.5, request_timeout_s=1.5))
    yield receiver
    receiver.kill()


def connect(receiver: RunningReceiver, sent: str) -> socket.socket:
    connection = socket.create_connection(receiver.address, timeout=8)
    connection.sendall(sent.encode())
    return connection


STALLED = (
    "",
    "POST /redox HT",
    f"{HEAD}Content-Length: 100\r\n",
    f"{HEAD}Content-Length: 100\r\n\r\nhalf of it",
    f"{HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
)


def test_sender_that_stalls_is_cut_without_an_answer(impatient: RunningReceiver) -> None:
    connections = [connect(impatient, sent) for sent in STALLED]
    for sent, connection in zip(STALLED, connections, strict=True):
        with connection:
            assert read_to_end(connection) == b"", sent
    assert impatient.on_disk() == {}


def test_sender_that_drips_is_cut_at_the_time_limit(impatient: RunningReceiver) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"x")
        time.sleep(0.1)

    with connect(impatient, f"{HEAD}Content-Length: 100\r\n\r\n") as connection:
        assert count_until_cut(connection, drip) < 100
    assert impatient.on_disk() == {}


def test_sender_that_goes_away_leaves_nothing(impatient: RunningReceiver) -> None:
    before = impatient.metric('rejected_total{reason="cut"}')
    connect(impatient, f"{HEAD}Content-Length: 100\r\n\r\nhalf of it").close()
    wait_until(lambda: impatient.metric('rejected_total{reason="cut"}') == before + 1)
    assert impatient.metric("in_flight_bytes") == 0
    assert impatient.on_disk() == {}


def test_endless_head_is_cut(impatient: RunningReceiver) -> None:
    with connect(impatient, "POST /redox HTTP/1.1\r\nX-Endless: ") as connection:
        assert count_until_cut(connection, lambda sender: sender.sendall(b"x" * 10_000)) < 1000


def test_nonsense_is_400_without_a_trace(impatient: RunningReceiver) -> None:
    with connect(impatient, "canary nonsense\r\n\r\n") as connection:
        assert read_to_end(connection).startswith(b"HTTP/1.1 400 ")
    assert "canary" not in impatient.log


def test_too_many_bytes_in_flight_are_503_and_the_rest_goes_on(start_receiver: Starter) -> None:
    receiver = start_receiver(max_body_bytes=100_000, in_flight_bytes=150_000)
    with connect(receiver, f"{HEAD}Content-Length: 100000\r\n\r\nhalf of it") as hog:
        wait_until(lambda: receiver.metric("in_flight_bytes") == 100_000)
        assert receiver.post(b"x" * 50_000).status_code == 200
        refused = receiver.post(b"x" * 50_001)
        assert (refused.status_code, refused.text) == (503, "overloaded\n")
        threading.Timer(0.5, hog.sendall, [b"x" * 99_990]).start()
        assert receiver.post(b"x" * 50_002).status_code == 200  # waits until there is room
        assert hog.recv(100).startswith(b"HTTP/1.1 200 ")


def test_stop_lets_open_requests_finish(start_receiver: Starter) -> None:
    receiver = start_receiver()
    with connect(receiver, f"{HEAD}Content-Length: 10\r\n\r\nhello") as connection:
        wait_until(lambda: receiver.metric("in_flight_bytes") == 10)
        receiver.process.terminate()
        wait_until(lambda: "Shutting down" in receiver.log)
        connection.sendall(b"world")
        assert read_to_end(connection).startswith(b"HTTP/1.1 200 ")
    assert receiver.process.wait(timeout=30) == 0
    assert receiver.on_disk("*.seg") == {b"helloworld": 1}


EARLY_STOP = """
import os
from etl.cli.main import main
from etl.web.server import _Server
serve = _Server.serve
async def stop_and_serve(self, sockets=None):
    os.kill(os.getpid(), NUMBER)
    await serve(self, sockets)
_Server.serve = stop_and_serve
main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_stop_amid_the_start_ends_as_any_other(tmp_path: Path, number: signal.Signals) -> None:
    start = EARLY_STOP.replace("NUMBER", str(int(number)))
    receiver = launch(tmp_path / "home", start=start)
    assert receiver.process.wait(timeout=30) == 0
    assert "Application shutdown complete" in receiver.log
    assert list(receiver.incoming.glob("*.open")) == []


def test_stop_does_not_wait_for_ever(start_receiver: Starter) -> None:
    receiver = start_receiver(stop_timeout_s=0.3)
    with connect(receiver, f"{HEAD}Content-Length: 10\r\n\r\nhello") as connection:
        wait_until(lambda: receiver.metric("in_flight_bytes") == 10)
        receiver.process.terminate()
        answer = connection.recv(1000)
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: " in answer
    assert receiver.process.wait(timeout=15) == 0
    assert receiver.on_disk() == {}


@pytest.mark.parametrize("connections", [200, pytest.param(1000, marks=pytest.mark.slow)])
def test_many_connections_at_once(start_receiver: Starter, connections: int) -> None:
    receiver = start_receiver()
    bodies = [b"%d " % number * 200 for number in range(connections)]
    answers = asyncio.run(post_all_at_once(receiver, bodies))
    assert {answer.split(b"\r\n")[0] for answer in answers} == {b"HTTP/1.1 200 OK"}
    receiver.stop()
    assert receiver.on_disk("*.seg") == dict.fromkeys(bodies, 1)


async def post_all_at_once(receiver: RunningReceiver, bodies: list[bytes]) -> list[bytes]:
    """Open a connection per body; post only when all are open."""
    streams = [await asyncio.open_connection(*receiver.address) for _ in bodies]
    for (_, writer), body in zip(streams, bodies, strict=True):
        writer.write(f"{HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    answers = await asyncio.gather(*(reader.readuntil(b"stored\n") for reader, _ in streams))
    for _, writer in streams:
        writer.close()
    return answers


def count_until_cut(connection: socket.socket, send: Callable[[socket.socket], None]) -> int:
    """Send again and again; gives how often that worked."""
    for count in range(1000):
        try:
            send(connection)
        except OSError:
            return count
    return 1000


def read_to_end(connection: socket.socket) -> bytes:
    parts = []
    try:
        while part := connection.recv(1000):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)
