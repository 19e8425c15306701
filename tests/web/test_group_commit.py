"""Many bodies share one fsync, and none is answered before its own has returned."""

import asyncio
import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from running_receiver import stored_bodies

from etl.web.group_commit import GroupCommit
from etl.web.metrics import ReceiverMetrics
from etl.web.refusals import Reason, Refusal
from etl.web.segment_folder import SegmentFolder

OPEN = "*.open"
pytestmark = pytest.mark.anyio


def make_store(folder: Path, *, min_free_bytes: int = 0) -> GroupCommit:
    segments = SegmentFolder(folder, segment_bytes=2**30, segment_age_s=3600)
    return GroupCommit(segments, min_free_bytes=min_free_bytes, metrics=ReceiverMetrics())


def stub_fsync(monkeypatch: pytest.MonkeyPatch, act: Callable[[int], None]) -> None:
    monkeypatch.setattr(os, "fdatasync", act)


async def test_nothing_is_stored_before_the_fsync_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, synced = make_store(tmp_path), threading.Event()
    await store.store(b"first")
    stub_fsync(monkeypatch, lambda _fd: assert_set(synced))
    second = asyncio.create_task(store.store(b"second"))
    await asyncio.sleep(0.1)
    assert b"second" in stored_bodies(tmp_path, OPEN)
    assert not second.done()
    synced.set()
    await second
    await store.close()


async def test_bodies_that_arrive_during_an_fsync_share_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, synced, calls = make_store(tmp_path), threading.Event(), []
    await store.store(b"opens the segment")

    def wait_first(_fd: int) -> None:
        calls.append(1)
        if len(calls) == 1:
            assert_set(synced)

    stub_fsync(monkeypatch, wait_first)
    first = asyncio.create_task(store.store(b"first"))
    await asyncio.sleep(0.05)
    others = [asyncio.create_task(store.store(b"%d" % number)) for number in range(100)]
    await asyncio.sleep(0.05)
    synced.set()
    await asyncio.gather(first, *others)
    assert len(calls) == 2
    await store.close()
    assert sum(stored_bodies(tmp_path).values()) == 102


async def test_failed_fsync_is_told_to_all_and_the_segment_not_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(tmp_path)
    await store.store(b"kept")
    with monkeypatch.context() as patch:
        stub_fsync(patch, raise_input_output_error)
        results = await asyncio.gather(
            store.store(b"lost 1"), store.store(b"lost 2"), return_exceptions=True
        )
    assert [str(result) for result in results] == ["storage_failed"] * 2
    assert store.fault is Reason.STORAGE_FAILED
    assert stored_bodies(tmp_path) == {b"kept": 1}
    await store.store(b"after")
    assert store.fault is None
    assert len(list(tmp_path.glob("*"))) == 2
    await store.close()
    assert stored_bodies(tmp_path) == {b"kept": 1, b"after": 1}


async def test_low_disk_refuses_until_there_is_room(tmp_path: Path) -> None:
    store = make_store(tmp_path, min_free_bytes=2**62)
    await store.tend()
    with pytest.raises(Refusal, match="disk_low"):
        await store.store(b"no")
    store._min_free_bytes = 0
    await store.tend()
    await store.store(b"yes")
    await store.close()
    assert stored_bodies(tmp_path) == {b"yes": 1}


async def test_cancelled_request_does_not_disturb_the_others(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    gone = asyncio.create_task(store.store(b"gone"))
    await asyncio.sleep(0)
    stays = asyncio.create_task(store.store(b"stays"))
    gone.cancel()
    await stays
    await store.close()
    assert stored_bodies(tmp_path)[b"stays"] == 1


def assert_set(event: threading.Event) -> None:
    assert event.wait(5)


def raise_input_output_error(_fd: int) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))
