"""The landing store under rough treatment: damage, full disks, kills; all told, nothing half done."""

from __future__ import annotations

import errno
import hashlib
import io
import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from etl.errors import DiskFull, PermanentError
from etl.framing.frames import CROWDED, ITEM
from etl.landing import index, store
from etl.landing.store import Landing
from etl.pipeline.opening import form_of
from etl.sources.recipe import Recipe
from tests.landing.kept import LINES, land, list_files


@pytest.mark.parametrize("damage_at", [20, -30, -3])
def test_damage_is_told_and_names_no_data(landing: Landing, damage_at: int) -> None:
    object_id = land(landing, LINES).object_id
    path = landing.root / object_id[:2] / f"{object_id}.zst"
    content = bytearray(path.read_bytes())
    content[damage_at] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(PermanentError, match="is damaged; restore"):
        landing.read(object_id, 0, len(LINES))


def test_a_damaged_index_is_told(landing: Landing) -> None:
    object_id = land(landing, LINES).object_id
    path = landing.root / object_id[:2] / f"{object_id}.items.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(PermanentError, match="is damaged; restore"):
        landing.describe(object_id)
    with pytest.raises(PermanentError, match="is damaged; restore"):
        landing.items(object_id)


class FullDisk(io.FileIO):
    """Takes 2,000 bytes and then has no room left."""

    number = errno.ENOSPC

    def write(self, data: Any) -> int:
        if self.tell() + len(data) > 2_000:
            raise OSError(self.number, os.strerror(self.number))
        return super().write(data)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("full", ["bytes.zst", "items.parquet"])
def test_a_full_disk_leaves_nothing_behind(
    landing: Landing, monkeypatch: pytest.MonkeyPatch, full: str, number: int
) -> None:
    def create(path: Path) -> BinaryIO:
        FullDisk.number = number
        return FullDisk(path, "wb") if path.name == full else path.open("wb")

    monkeypatch.setattr(store, "create_private", create)
    monkeypatch.setattr(index, "create_private", create)
    content = b"".join(os.urandom(20).hex().encode() + b"\n" for _ in range(5_000))
    with pytest.raises(DiskFull, match="free space"):
        land(landing, b"{}\n" + content)
    assert list_files(landing) == []
    assert landing.object_ids() == []


def test_a_failing_source_leaves_nothing_behind(landing: Landing) -> None:
    class Failing(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError(errno.EIO, "device")

    with pytest.raises(OSError, match="device"):
        landing.land(Failing(), uri="x")  # type: ignore[arg-type]
    assert list_files(landing) == []


def _land_and_hang(root: Path, is_inside: Any) -> None:
    class Hanging(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            content = super().read(size)
            if not content:
                is_inside.set()
                signal.pause()
            return content

    Landing(root).land(Hanging(LINES), uri="x")


def test_what_a_killed_process_leaves_is_cleaned(landing: Landing) -> None:
    context = multiprocessing.get_context("fork")
    is_inside = context.Event()
    process = context.Process(target=_land_and_hang, args=(landing.root, is_inside))
    process.start()
    assert is_inside.wait(30)
    assert landing.clean() == 0, "its process lives"
    land(landing, b"{}")
    assert len(list((landing.root / "tmp").iterdir())) == 1
    process.kill()
    process.join()
    landed = land(Landing(landing.root), LINES)
    assert list((landing.root / "tmp").iterdir()) == []
    assert landed.item_count == 500


def test_a_crash_between_the_two_names_is_landed_again(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    replace = Path.replace

    def replace_bytes_only(path: Path, target: Path) -> Path:
        if path.name == "items.parquet":
            raise Killed
        return replace(path, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace_bytes_only)
        with pytest.raises(Killed):
            land(landing, LINES)
    assert [Path(name).suffix for name in list_files(landing)] == [".zst"]
    assert landing.object_ids() == []
    assert land(landing, LINES).item_count == 500
    assert landing.object_ids() == [hashlib.sha256(LINES).hexdigest()]


@pytest.mark.parametrize("name", ["{}.zst", "{}.items.parquet"])
def test_a_damaged_object_is_replaced_when_its_source_is_landed_again(
    landing: Landing, name: str
) -> None:
    object_id = land(landing, LINES).object_id
    path = landing.root / object_id[:2] / name.format(object_id)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0xFF
    path.write_bytes(content[:-2])
    assert land(landing, LINES).object_id == object_id
    assert landing.read(object_id, 0, len(LINES)) == LINES
    assert landing.is_unchanged(object_id)


def test_the_rest_of_too_many_small_items_is_one_item(tmp_path: Path) -> None:
    landing = Landing(tmp_path, most_small_items=1000)
    content = b"{}\n" * 5000 + LINES
    landed = land(landing, content)
    items = landing.items(landed.object_id)
    assert landed.item_count == 1001
    assert items.kind.tolist() == [ITEM] * 1000 + [CROWDED]
    assert int(items.offset[-1]) == 3000
    assert int(items.offset[-1] + items.length[-1]) == len(content)
    assert landed.separator_bytes == 1000


def test_small_items_within_the_limit_are_items(tmp_path: Path) -> None:
    landing = Landing(tmp_path, most_small_items=5500)
    assert land(landing, b"{}\n" * 5000 + LINES).item_count == 5500


@pytest.mark.parametrize(("messages", "is_kept"), [(999, True), (1000, False), (5000, False)])
def test_too_many_small_messages_in_one_item_leave_it_whole(
    tmp_path: Path, messages: int, is_kept: bool
) -> None:
    landing = Landing(tmp_path, most_small_items=1000)
    crowd = b'{"M":[' + b",".join([b"{}"] * messages) + b"]}"
    landed = land(landing, b"{}\n" + crowd, form=form_of(Recipe.from_text("M[]")))
    items = landing.items(landed.object_id)
    if is_kept:
        assert items.kind.tolist() == [ITEM] * 1000
    else:
        assert items.kind.tolist() == [ITEM, CROWDED]
        assert items.length.tolist() == [2, len(crowd)]
