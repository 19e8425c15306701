"""The order in which workers take files names files that there are."""

from __future__ import annotations

from tests.seconds import file_seconds


def test_files_with_seconds_exist() -> None:
    seconds = file_seconds()
    assert seconds
    assert [path for path in seconds if not path.is_file()] == []
    assert list(seconds.values()) == sorted(seconds.values(), reverse=True)
