"""Saved files: what is a page, what is none, and that nothing of a wrong file is shown."""

from __future__ import annotations

import os
from email.message import EmailMessage
from pathlib import Path

import pytest

from etl.ratings import pages
from etl.ratings.pages import find_files, read_page, to_page
from etl.ratings.records import Page, Refusal


def texts(page: Page | Refusal) -> list[str]:
    assert isinstance(page, Page), page
    return [line.text for line in page.lines]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b" \n\t ", "is empty"),
        (b"\x89PNG\r\n\x00\x01", "neither text nor HTML"),
        (b"<html><head><title>x</title></head><body><script>1</script></body></html>", "no text"),
    ],
)
def test_what_is_no_page_is_refused(content: bytes, reason: str) -> None:
    refusal = to_page(content, "saved.html")
    assert isinstance(refusal, Refusal)
    assert reason in refusal.reason


def test_a_huge_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.html"
    path.touch()
    os.truncate(path, pages.MAX_PAGE_BYTES + 1)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("was read"))
    refusal = read_page(path)
    assert isinstance(refusal, Refusal)
    assert "larger than 16 MB" in refusal.reason


def test_a_mirror_of_the_site_is_read_whole_with_addresses(tmp_path: Path) -> None:
    mirror = tmp_path / "docs.redoxengine.com" / "api-reference" / "datamodels" / "notes"
    content = "<!doctype html><html><body><p>Fields</p></body></html>"
    for name in ("notes-new/index.html", "notes-delete", "notes-query@v=2", "logo.png"):
        (mirror / name).parent.mkdir(parents=True, exist_ok=True)
        (mirror / name).write_text("PNG" if name.endswith("png") else content)
    found = find_files([tmp_path])
    below = "docs.redoxengine.com/api-reference/datamodels/notes/"
    names = ["notes-delete", "notes-new/index.html", "notes-query@v=2"]
    assert [file.name for file in found] == [below + name for name in names]
    addresses = []
    for file in found:
        page = read_page(file.path, file.name)
        assert isinstance(page, Page) and page.name == file.name
        addresses.append(page.address)
    assert addresses[:2] == [f"https://{below}notes-delete", f"https://{below}notes-new/"]


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    refusal = read_page(tmp_path / "absent.html")
    assert isinstance(refusal, Refusal)
    assert "cannot be opened" in refusal.reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_text_is_read_in_unicode(encoding: str) -> None:
    page = to_page("Fields\n  • Meta – naïve\n".encode(encoding), "saved.txt")
    assert texts(page) == ["Fields", "Meta – naïve"]
    assert isinstance(page, Page) and page.notes == ()


def test_text_in_another_encoding_is_read_and_noted() -> None:
    page = to_page("Fields\ncafé\n".encode("cp1252"), "saved.txt")
    assert texts(page) == ["Fields", "café"]
    assert isinstance(page, Page) and page.notes == ("is not UTF-8, read as windows-1252",)


@pytest.mark.parametrize("charset", ["iso-8859-1", "utf-8", "no-such-charset", ""])
def test_a_page_that_is_not_what_it_declares_is_read(charset: str) -> None:
    head = f"<html><head><meta charset='{charset}'></head>".encode()
    assert texts(to_page(head + "<p>café</p>".encode("cp1252"), "a.html")) == ["café"]


def test_a_declared_encoding_is_used() -> None:
    content = "<html><head><meta charset=shift_jis></head><p>日本</p>".encode("shift_jis")
    assert texts(to_page(content, "a.html")) == ["日本"]


def test_a_page_cut_within_a_character_is_read() -> None:
    assert texts(to_page("Fields\ncafé".encode()[:-1], "a.txt")) == ["Fields", "caf"]


def test_html_is_told_by_its_content_not_by_its_name() -> None:
    assert texts(to_page(b"<!DOCTYPE html><p>one</p><p>two</p>", "saved.txt")) == ["one", "two"]
    assert texts(to_page(b"Fields\nMeta\n", "saved.html")) == ["Fields", "Meta"]


def test_a_single_file_archive_is_opened() -> None:
    archive = EmailMessage()
    archive["From"] = "<Saved by a browser>"
    archive["Snapshot-Content-Location"] = "https://example.org/notes-new"
    archive.set_content("<p>one</p>", subtype="html")
    archive.make_related()
    page = to_page(archive.as_bytes(), "saved.mhtml")
    assert texts(page) == ["one"]
    assert isinstance(page, Page) and page.address == "https://example.org/notes-new"


def test_an_address_line_of_a_text_page_is_its_address() -> None:
    page = to_page(b"Notes\nURL: https://example.org/notes-new\nFields\n", "saved.txt")
    assert isinstance(page, Page)
    assert (page.title, page.address) == ("Notes", "https://example.org/notes-new")


@pytest.mark.parametrize(
    ("content", "name", "is_cut"),
    [
        (b"Fields\nMeta\n", "a.txt", False),
        (b"Fields\nMet", "a.txt", True),
        (b"<p>Fields</p>", "a.html", False),
        (b"<p>Fields", "a.html", True),
    ],
)
def test_an_odd_end_is_noticed(content: bytes, name: str, is_cut: bool) -> None:
    page = to_page(content, name)
    assert isinstance(page, Page) and page.is_cut is is_cut


def test_a_folder_gives_its_pages_once_and_in_order(tmp_path: Path) -> None:
    for name in ("b.html", "a.txt", "sub/c.mhtml", "sub/script.js", "photo.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    named = tmp_path / "photo.png"
    files = find_files([named, tmp_path, tmp_path / "b.html"])
    assert [(file.path.name, file.is_asked) for file in files] == [
        ("photo.png", True),
        ("a.txt", False),
        ("b.html", False),
        ("c.mhtml", False),
    ]
