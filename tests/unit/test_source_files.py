"""Listing and opening sources: what is taken, in which order, and how faults are reported."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fsspec
import pytest
import pyzstd

from etl.errors import PermanentError, RedoxWarehouseError, TransientError, UsageFault
from etl.sources.faults import label_of, source_errors
from etl.sources.files import (
    LeftOut,
    Reason,
    SourceFile,
    fault_of,
    list_sources,
    open_source,
)
from etl.sources.folders import TROUBLE

CONTENT = b"".join(b'{"n":%d}\n' % number for number in range(20_000))


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    for name in [
        "b.ndjson", "a.json", "sub/c.json.gz", "sub/deep/d.json",
        ".hidden.json", "_SUCCESS", "e.json.part", "F.JSON.TMP", "sub/_tmp/g.json", ".git/h.json",
    ]:  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}")
    return tmp_path


def list_names(folder: Path, *paths: str) -> list[str]:
    listed = list_sources([str(folder / path) for path in paths])
    return [Path(source.uri).relative_to(folder).as_posix() for source in listed]


LISTINGS = {
    "a folder": ([""], ["a.json", "b.ndjson", "sub/c.json.gz", "sub/deep/d.json"]),
    "a file": (["b.ndjson"], ["b.ndjson"]),
    "a hidden file by name": ([".hidden.json"], [".hidden.json"]),
    "an unfinished file by name": (["e.json.part"], ["e.json.part"]),
    "a hidden folder by name": (["sub/_tmp"], ["sub/_tmp/g.json"]),
    "a glob": (["*.json*"], ["a.json"]),
    "a glob of folders": (["s*"], ["sub/c.json.gz", "sub/deep/d.json"]),
    "a deep glob": (["**/*.json"], ["a.json", "sub/deep/d.json"]),
    "two paths in their order": (["sub", "a.json"], ["sub/c.json.gz", "sub/deep/d.json", "a.json"]),
    "a path twice": (["a.json", "", "a.json"], ["a.json", "b.ndjson", "sub/c.json.gz", "sub/deep/d.json"]),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTINGS)
def test_paths_are_listed(inbox: Path, name: str) -> None:
    paths, expected = LISTINGS[name]
    assert list_names(inbox, *paths) == expected


def listed_and_left(folder: Path, **options: Any) -> tuple[list[str], list[tuple[str, Reason]]]:
    """The names below a folder that are taken, and those that are left out with their reasons."""
    left: list[LeftOut] = []
    taken = [source.uri for source in list_sources([str(folder)], leave_out=left.append, **options)]
    cut = len(str(folder)) + 1
    return [uri[cut:] for uri in taken], sorted((one.uri[cut:], one.reason) for one in left)


def test_what_is_left_out_is_told(inbox: Path) -> None:
    _, left = listed_and_left(inbox)
    assert left == [
        (".git/h.json", Reason.HIDDEN), (".hidden.json", Reason.HIDDEN),
        ("F.JSON.TMP", Reason.UNFINISHED), ("_SUCCESS", Reason.HIDDEN),
        ("e.json.part", Reason.UNFINISHED), ("sub/_tmp/g.json", Reason.HIDDEN),
    ]  # fmt: skip


def test_foreign_kinds_are_left_out_unless_all_are_asked_for(tmp_path: Path) -> None:
    for name in ("a.json", "scan.PDF", "b.docx", "noending"):
        (tmp_path / name).write_bytes(b"{}")
    taken, left = listed_and_left(tmp_path)
    assert taken == ["a.json", "noending"]
    assert left == [("b.docx", Reason.FOREIGN), ("scan.PDF", Reason.FOREIGN)]
    assert listed_and_left(tmp_path, take_all=True) == (
        ["a.json", "b.docx", "noending", "scan.PDF"],
        [],
    )
    assert len(list(list_sources([str(tmp_path / "scan.PDF")]))) == 1


def test_links_are_followed_once_and_none_stops_the_others(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "in", tmp_path / "elsewhere"
    (folder / "sub").mkdir(parents=True)
    elsewhere.mkdir()
    for path in (folder / "a.json", folder / "sub" / "b.json", elsewhere / "c.json"):
        path.write_bytes(b"{}")
    (folder / "self").symlink_to("self")
    (folder / "sub" / "up").symlink_to("..")
    (folder / "lost").symlink_to("/nonexistent/x")
    (folder / "2026-03").symlink_to(elsewhere)
    os.mkfifo(folder / "pipe")
    taken, left = listed_and_left(folder)
    assert taken == ["2026-03/c.json", "a.json", "sub/b.json"]
    assert left == [
        ("lost", Reason.DANGLING), ("pipe", Reason.SPECIAL), ("self", Reason.LOOP),
        ("sub/up", Reason.LOOP),
    ]  # fmt: skip
    (named,) = list_sources([str(folder / "lost"), str(folder / "a.json")])
    assert named.uri.endswith("a.json")


def test_a_link_to_a_folder_that_was_read_is_no_trouble(tmp_path: Path) -> None:
    (tmp_path / "march").mkdir()
    (tmp_path / "march" / "a.json").write_bytes(b"{}")
    (tmp_path / "newest").symlink_to("march")
    taken, left = listed_and_left(tmp_path)
    assert (taken, left) == (["march/a.json"], [("newest", Reason.SEEN)])
    assert Reason.SEEN not in TROUBLE


def test_a_name_that_is_not_utf_8_is_read_like_any_other(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/M\xfcller.json"
    Path(os.fsdecode(name)).write_bytes(b'{"a":1}')
    (source,) = list_sources([str(tmp_path)])
    assert source.uri == f"file://{tmp_path}/M%FCller.json"
    assert list(list_sources([source.uri])) == [source]
    assert list(list_sources([os.fsdecode(name)])) == [source]
    with open_source(source) as stream:
        assert stream.read() == b'{"a":1}'


def test_folders_of_the_home_are_never_input(tmp_path: Path) -> None:
    home = tmp_path / "home"
    for name in ("landing/ab/x.json", "published/y.json", "incoming/z.json"):
        (home / name).parent.mkdir(parents=True)
        (home / name).write_bytes(b"{}")
    (tmp_path / "a.json").write_bytes(b"{}")
    assert listed_and_left(tmp_path, home=home) == (["a.json"], [("home", Reason.OWN)])
    assert listed_and_left(home / "landing", home=home)[0] == []
    assert listed_and_left(home / "incoming", home=home)[0] == ["z.json"]


def test_a_file_is_known_by_size_and_time(inbox: Path) -> None:
    os.utime(inbox / "a.json", ns=(5, 7_000_000_001))
    assert list(list_sources([str(inbox / "a.json")])) == [
        SourceFile(str(inbox / "a.json"), 2, 7_000_000_001)
    ]


def test_marks_of_a_glob_may_stand_in_a_name(tmp_path: Path) -> None:
    (tmp_path / "a[1].json").write_bytes(b"{}")
    assert list_names(tmp_path, "a[1].json") == ["a[1].json"]


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    assert list_names(tmp_path, "") == []


def test_every_missing_path_is_told_by_number_at_once(inbox: Path) -> None:
    with pytest.raises(UsageFault, match=r"Nothing is at path 1, 3 of the 3 given; check the path"):
        list_names(inbox, "none1", "a.json", "none*")


def test_a_single_missing_path_is_told_without_its_name(inbox: Path) -> None:
    with pytest.raises(UsageFault, match=r"^Nothing is at the path given; check the path\.$"):
        list_names(inbox, "none1")


def test_a_folder_that_may_not_be_read_is_left_out(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refuse(folder: Path) -> object:
        if folder.name == "deep":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    taken, left = listed_and_left(inbox)
    assert taken == ["a.json", "b.ndjson", "sub/c.json.gz"]
    assert ("sub/deep", Reason.NO_ACCESS) in left


def zstd_frames(content: bytes) -> bytes:
    half = len(content) // 2
    skippable = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
    return skippable + pyzstd.compress(content[:half]) + pyzstd.compress(content[half:])


def gzip_members(content: bytes) -> bytes:
    half = len(content) // 2
    return gzip.compress(content[:half]) + gzip.compress(content[half:]) + b"\0" * 20


PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "gzip members": gzip_members,
    "zstd": pyzstd.compress,
    "zstd frames": zstd_frames,
    "zstd long window": lambda content: pyzstd.compress(
        content, {pyzstd.CParameter.windowLog: 28, pyzstd.CParameter.contentSizeFlag: 0}
    ),
}


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("name", ["x.json", "x.json.gz", "x.zst"])
def test_packed_sources_are_known_by_their_bytes(tmp_path: Path, name: str, packing: str) -> None:
    path = tmp_path / name
    path.write_bytes(PACKINGS[packing](CONTENT))
    with open_source(SourceFile(str(path), 0, 0)) as stream:
        parts = list(iter(lambda: stream.read(10_000), b""))
        assert b"".join(parts) == CONTENT
        assert stream.seekable()
        assert stream.seek(100) == 100
        assert stream.read(50) == CONTENT[100:150]


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_damaged_packing_is_an_error_that_names_no_file(tmp_path: Path, packing: str) -> None:
    packed = bytearray(PACKINGS[packing](CONTENT))
    packed[len(packed) // 2] ^= 0xFF
    path = tmp_path / "john-smith.json.gz"
    path.write_bytes(packed)
    with (
        pytest.raises(PermanentError, match="is damaged; nothing of it was loaded") as told,
        open_source(SourceFile(str(path), 0, 0)) as stream,
    ):
        while stream.read(2**20):
            pass
    assert "john" not in str(told.value)
    assert told.value.__suppress_context__


@pytest.mark.parametrize("packing", ["gzip", "zstd", "zstd frames"])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda packed: packed[:-20], "is cut short"),
        (lambda packed: packed[: len(packed) // 2], "is cut short"),
        (lambda packed: packed + b"garbage", "has uncompressed bytes after its end"),
        (lambda packed: packed + b"\0" * 40 + b"x", "has uncompressed bytes after its end"),
    ],
)
def test_what_can_be_read_of_packed_bytes_is_read_and_the_rest_reported(
    tmp_path: Path, packing: str, change: Callable[[bytes], bytes], expected: str
) -> None:
    path = tmp_path / "john-smith.json.gz"
    path.write_bytes(change(PACKINGS[packing](CONTENT)))
    with open_source(SourceFile(str(path), 0, 0)) as stream:
        read = b"".join(iter(lambda: stream.read(10_000), b""))
        assert CONTENT.startswith(read)
        assert read == CONTENT or "behind" not in expected
        assert expected in fault_of(stream)
        assert "john" not in fault_of(stream)
        assert stream.seek(0) == 0
        assert stream.read(20) == read[:20]


def test_an_error_of_the_reader_is_not_renamed(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(b"{}")
    with (
        pytest.raises(PermissionError, match="landing"),
        open_source(SourceFile(str(path), 0, 0)),
    ):
        raise PermissionError("of the landing folder")


def test_a_source_that_went_away_is_told_by_its_label(tmp_path: Path) -> None:
    uri = str(tmp_path / "john-smith.json")
    with (
        pytest.raises(UsageFault, match=f"found at {label_of(uri)};") as told,
        open_source(SourceFile(uri, 0, 0)),
    ):
        pass
    assert "john" not in str(told.value)


class NoCredentialsError(Exception):
    """Named as botocore names it."""


class ClientError(Exception):
    __module__ = "botocore.exceptions"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (PermissionError("x"), PermanentError),
        (NoCredentialsError("x"), PermanentError),
        (FileNotFoundError("x"), UsageFault),
        (ImportError("x"), UsageFault),
        (ValueError("x"), UsageFault),
        (OSError("x"), TransientError),
        (TimeoutError("x"), TransientError),
        (ClientError("x"), TransientError),
        (KeyError("x"), KeyError),
        (UsageFault("x"), UsageFault),
    ],
)
def test_faults_of_a_store_become_ours(error: Exception, expected: type[Exception]) -> None:
    with pytest.raises(expected) as told, source_errors("s3://bucket/john-smith.json"):
        raise error
    assert "john" not in str(told.value)
    assert isinstance(told.value, RedoxWarehouseError) or told.value is error


def test_urls_are_listed_below_a_prefix_and_by_glob() -> None:
    system = fsspec.filesystem("memory")
    for name in ["in/a.json", "in/sub/b.json", "in/_x/c.json", "in/d.json.part", "other/e.json"]:
        system.pipe(f"/unit/{name}", b"{}")

    def names(url: str) -> list[str]:
        return [source.uri.removeprefix("memory:///unit/") for source in list_sources([url])]

    assert names("memory://unit/in") == ["in/a.json", "in/sub/b.json"]
    assert names("memory://unit/in/a.json") == ["in/a.json"]
    assert names("memory://unit/in/_x/c.json") == ["in/_x/c.json"]
    assert names("memory://unit/*/*.json") == ["in/a.json", "other/e.json"]
    assert names("memory://unit/i*") == ["in/a.json", "in/sub/b.json"]
    with pytest.raises(UsageFault, match="Nothing is at the path given"):
        names("memory://unit/none")
    with open_source(SourceFile("memory:///unit/in/a.json", 0, 0)) as stream:
        assert stream.read() == b"{}"


def test_an_unknown_protocol_is_told() -> None:
    with pytest.raises(UsageFault, match="is not valid"):
        list(list_sources(["nosuch://bucket/x"]))
