"""Segments open, close and survive: the folder without the web."""

import errno
import os
import stat
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from running_receiver import stored_bodies

from etl.errors import WarehouseBusy
from etl.framing.segments import MAGIC, MAX_BODY_BYTES, encode_record, scan_segment
from etl.sections import ReceiveSettings
from etl.web.segment_folder import LOCK_NAME, SegmentFolder, open_folder


def make_folder(path: Path, *, segment_bytes: int = 2**20, age_s: float = 3600) -> SegmentFolder:
    return SegmentFolder(path, segment_bytes=segment_bytes, segment_age_s=age_s)


def hold(path: Path) -> AbstractContextManager[SegmentFolder]:
    return open_folder(path, segment_bytes=2**20, segment_age_s=60)


def names(path: Path, suffix: str) -> list[str]:
    return sorted(each.name for each in path.glob(f"*{suffix}"))


def test_segment_closes_by_size(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, segment_bytes=1000)
    for number in range(10):
        folder.append([encode_record(number, b"x" * 400)])
    assert len(names(tmp_path, ".seg")) == 3
    assert len(names(tmp_path, ".open")) == 1
    assert folder.closed_count == 3


def test_idle_segment_closes_by_age(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, age_s=0.01)
    folder.ensure_open()
    folder.close_due()
    assert names(tmp_path, ".seg") == []
    folder.append([encode_record(1, b"x")])
    while folder.oldest_unclosed_s < 0.01:
        pass
    folder.close_due()
    assert len(names(tmp_path, ".seg")) == 1
    assert names(tmp_path, ".open") == []


def test_segment_without_records_leaves_no_file(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    folder.ensure_open()
    folder.close_segment()
    assert list(tmp_path.iterdir()) == []


def test_names_sort_by_time_and_files_are_the_owners_alone(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, segment_bytes=1)
    for number in range(5):
        folder.append([encode_record(number, b"%d" % number)])
    paths = sorted(tmp_path.glob("*.seg"))
    times = [scan_segment([path.read_bytes()]).items.received_at_us[0] for path in paths]
    assert times == sorted(times)
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}


def test_leftover_of_a_crash_is_closed_and_its_torn_tail_is_no_item(tmp_path: Path) -> None:
    whole, torn = encode_record(1, b"whole"), encode_record(2, b"torn")[:-1]
    (tmp_path / "b.open").write_bytes(MAGIC + whole + torn)
    (tmp_path / "a.open").write_bytes(MAGIC)
    (tmp_path / "c.open").write_bytes(b"")
    with hold(tmp_path):
        assert names(tmp_path, ".seg") == ["b.seg"]
    assert stored_bodies(tmp_path) == {b"whole": 1}
    assert names(tmp_path, ".open") == []


def test_failed_write_leaves_no_half_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_folder(tmp_path)
    folder.append([encode_record(1, b"kept")])
    write = os.write

    def write_half(fd: int, parts: list[bytes]) -> int:
        return write(fd, b"".join(parts)[:5000])

    def write_nothing(_fd: int, _content: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "writev", write_half)
        patch.setattr(os, "write", write_nothing)
        with pytest.raises(OSError, match="No space"):
            folder.append([encode_record(2, b"x" * 10_000)])
    folder.append([encode_record(3, b"after")])
    folder.close_segment()
    assert stored_bodies(tmp_path) == {b"kept": 1, b"after": 1}
    scans = [scan_segment([path.read_bytes()]) for path in tmp_path.glob("*.seg")]
    assert [scan.torn_bytes for scan in scans] == [0, 0]


def test_removed_segment_is_noticed_before_anything_is_acknowledged(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    folder.append([encode_record(1, b"gone with its file")])
    next(tmp_path.glob("*.open")).unlink()
    with pytest.raises(FileNotFoundError):
        folder.append([encode_record(2, b"not acknowledged")])
    folder.append([encode_record(3, b"after")])
    folder.close_segment()
    assert stored_bodies(tmp_path) == {b"after": 1}


def test_folder_has_one_receiver_at_a_time(tmp_path: Path) -> None:
    with hold(tmp_path):
        with pytest.raises(WarehouseBusy, match="Another receiver"):
            hold(tmp_path).__enter__()
        assert (tmp_path / LOCK_NAME).exists()
    with hold(tmp_path):
        pass


def test_largest_body_of_the_settings_fits_a_record() -> None:
    limits = [limit.le for limit in ReceiveSettings.model_fields["max_body_bytes"].metadata
              if hasattr(limit, "le")]  # fmt: skip
    assert limits == [MAX_BODY_BYTES]
