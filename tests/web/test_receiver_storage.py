"""Storage that fails, fills up, dies: the documented answer, and nothing acknowledged is lost."""

import asyncio
import os
import random
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from running_receiver import TOKEN, RunningReceiver, Starter, launch, wait_until

from etl.errors import PermanentError, UsageFault, WarehouseBusy


async def post_until_dead(
    receiver: RunningReceiver, *, name: str, sent: set[bytes], acknowledged: set[bytes]
) -> None:
    """Post distinct bodies over one connection until the receiver is gone."""
    reader, writer = await asyncio.open_connection(*receiver.address)
    try:
        for number in range(1_000_000):
            body = f"{name}-{number}-".encode() + b"x" * random.choice((0, 100, 5_000, 70_000))
            sent.add(body)
            head = f"POST /redox HTTP/1.1\r\nHost: x\r\nVerification-Token: {TOKEN}\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await reader.readuntil(b"\r\n\r\nstored\n")
            assert answer.startswith(b"HTTP/1.1 200 ")
            acknowledged.add(body)
    except (OSError, asyncio.IncompleteReadError):
        return
    finally:
        writer.close()


async def post_and_kill(
    receiver: RunningReceiver, *, name: str, sent: set[bytes], acknowledged: set[bytes]
) -> None:
    clients = [
        post_until_dead(receiver, name=f"{name}-{number}", sent=sent, acknowledged=acknowledged)
        for number in range(24)
    ]
    await asyncio.gather(*clients, kill_once_busy(receiver, acknowledged))
    receiver.process.wait(timeout=120)


async def kill_once_busy(receiver: RunningReceiver, acknowledged: set[bytes]) -> None:
    before = len(acknowledged)
    while len(acknowledged) < before + 50:
        await asyncio.sleep(0.01)
    await asyncio.sleep(random.uniform(0, 0.3))
    receiver.process.kill()


@pytest.mark.slow
def test_every_acknowledged_body_survives_kill_9(start_receiver: Starter) -> None:
    sent: set[bytes] = set()
    acknowledged: set[bytes] = set()
    for turn in range(4):
        receiver = start_receiver(segment_bytes=500_000)
        asyncio.run(post_and_kill(receiver, name=f"{turn}", sent=sent, acknowledged=acknowledged))
    last = start_receiver()
    last.stop()
    stored = last.on_disk("*.seg")
    assert acknowledged - stored.keys() == set()
    assert stored.keys() - sent == set()
    assert set(stored.values()) == {1}
    assert list(last.incoming.glob("*.open")) == []


def test_write_that_fails_is_503_and_the_receiver_recovers(start_receiver: Starter) -> None:
    receiver = start_receiver(retry_after_s=7)
    assert receiver.post(b"before").status_code == 200
    receiver.limit_file_size(50_000)
    answers = [receiver.post(b"x" * 60_000) for _ in range(3)]
    assert {(each.status_code, each.headers["retry-after"]) for each in answers} == {(503, "7")}
    assert receiver.get("/readyz").text == "storage_failed\n"
    assert receiver.post(b"small").status_code == 200
    receiver.limit_file_size(-1)
    wait_until(lambda: receiver.get("/readyz").status_code == 200)
    assert receiver.post(b"y" * 60_000).status_code == 200
    receiver.stop()
    expected = {b"before": 1, b"small": 1, b"y" * 60_000: 1}
    assert receiver.on_disk("*.seg") == expected


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs more rights")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_full_disk_is_503_and_room_makes_it_well_again(
    start_receiver: Starter, small_disk: Path
) -> None:
    receiver = start_receiver(home=small_disk / "home")
    acknowledged: Counter[bytes] = Counter()
    statuses = []
    for number in range(12):
        body = b"%02d" % number + os.urandom(150_000)
        statuses.append(receiver.post(body).status_code)
        acknowledged.update([body] if statuses[-1] == 200 else [])
    assert set(statuses) == {200, 503}
    assert acknowledged <= receiver.on_disk()
    for path in receiver.incoming.glob("*.seg"):  # as if loaded
        path.unlink()
    wait_until(lambda: receiver.get("/readyz").status_code == 200)
    assert receiver.post(b"room again").status_code == 200
    assert receiver.on_disk()[b"room again"] == 1


def test_disk_below_the_watermark_is_503_before_it_is_full(start_receiver: Starter) -> None:
    receiver = start_receiver(min_free_bytes=2**62)
    answer = receiver.post(b"no")
    assert (answer.status_code, answer.text) == (503, "disk_low\n")
    assert int(answer.headers["retry-after"]) > 0
    assert receiver.get("/readyz").status_code == 503
    assert receiver.get("/healthz").status_code == 200
    receiver.stop()
    assert receiver.on_disk() == {}


def test_folder_that_becomes_read_only_is_503_and_loses_nothing(
    start_receiver: Starter, without_root_powers: tuple[str, ...]
) -> None:
    receiver = start_receiver(prefix=without_root_powers, segment_bytes=10_000)
    assert receiver.post(b"before").status_code == 200
    receiver.incoming.chmod(0o500)
    assert receiver.post(b"x" * 10_000).status_code == 200  # the open segment can still be written
    assert receiver.post(b"no").status_code == 503
    assert receiver.get("/readyz").text == "storage_failed\n"
    receiver.incoming.chmod(0o700)
    wait_until(lambda: receiver.get("/readyz").status_code == 200)
    assert receiver.post(b"after").status_code == 200
    receiver.stop()
    assert receiver.on_disk("*.seg") == {b"before": 1, b"x" * 10_000: 1, b"after": 1}


def test_read_only_home_does_not_start(
    tmp_path: Path, without_root_powers: tuple[str, ...]
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    receiver = launch(home, prefix=without_root_powers)
    assert receiver.process.wait(timeout=30) == PermanentError.exit_code
    assert "make it writable" in receiver.log


def test_second_receiver_on_a_home_or_a_port_does_not_start(
    start_receiver: Starter, tmp_path: Path
) -> None:
    first = start_receiver()
    same_home, same_port = launch(first.home), launch(tmp_path / "b", port=first.address[1])
    assert same_home.process.wait(timeout=30) == WarehouseBusy.exit_code
    assert "Another receiver writes to" in same_home.log
    assert same_port.process.wait(timeout=30) == UsageFault.exit_code
    assert "(Address already in use); free the port" in same_port.log
    assert first.post(b"still mine").status_code == 200
