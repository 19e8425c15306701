"""Which tokens are valid, and how they change while the receiver runs."""

import logging
from pathlib import Path

import pytest
from running_receiver import Starter, launch, wait_until

from etl.errors import UsageFault
from etl.web.tokens import TokenBook, presented_tokens


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], []),
        ([(b"verification-token", b" t ")], [b"t"]),
        ([(b"authorization", b"Bearer t")], [b"t"]),
        ([(b"authorization", b"bearer  t")], [b"t"]),
        ([(b"authorization", b"Basic t")], []),
        ([(b"verification-token", b"a"), (b"authorization", b"Bearer b")], [b"a", b"b"]),
    ],
)
def test_tokens_come_from_two_headers(
    headers: list[tuple[bytes, bytes]], expected: list[bytes]
) -> None:
    assert presented_tokens(headers) == expected


def test_every_known_token_is_valid_and_nothing_else() -> None:
    book = TokenBook(fixed="one two", token_file=None)
    assert book.has_any([b"one"])
    assert book.has_any([b"wrong", b"two"])
    assert not book.has_any([b"", b"on", b"one two", b"ONE"])
    assert not book.has_any([])


def test_file_holds_one_token_per_line(tmp_path: Path) -> None:
    token_file = tmp_path / "tokens"
    token_file.write_text("# rotated in May\none\n\n  two words \n")
    book = TokenBook(fixed="", token_file=token_file)
    assert len(book) == 2
    assert book.has_any([b"two words"])
    assert not book.has_any([b"# rotated in May"])


def test_changed_file_is_read_again_and_a_spoilt_one_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    token_file = tmp_path / "tokens"
    token_file.write_text("canary-old")
    book = TokenBook(fixed="", token_file=token_file)
    replace(token_file, "canary-old\ncanary-new")
    book.refresh()
    assert book.has_any([b"canary-new"])
    replace(token_file, "\n")
    book.refresh()
    token_file.unlink()
    book.refresh()
    assert book.has_any([b"canary-old"])
    assert "canary" not in caplog.text


@pytest.mark.parametrize("content", [None, "", "# none yet\n"])
def test_no_token_at_all_is_a_fault(tmp_path: Path, content: str | None) -> None:
    token_file = tmp_path / "tokens"
    if content is not None:
        token_file.write_text(content)
    with pytest.raises(UsageFault, match="token"):
        TokenBook(fixed=" ", token_file=token_file)


def test_receiver_without_a_token_does_not_start(tmp_path: Path) -> None:
    receiver = launch(tmp_path / "home", tokens="")
    assert receiver.process.wait(timeout=30) == UsageFault.exit_code
    assert "REDOX_WAREHOUSE_RECEIVE__TOKENS" in receiver.log


def test_rotation_needs_no_restart(start_receiver: Starter, tmp_path: Path) -> None:
    token_file = tmp_path / "tokens"
    token_file.write_text("old\n")
    receiver = start_receiver(tokens="", token_file=token_file)

    def status(token: str) -> int:
        return receiver.post(headers={"verification-token": token}).status_code

    assert (status("old"), status("new")) == (200, 403)
    replace(token_file, "old\nnew\n")
    wait_until(lambda: status("new") == 200)
    assert status("old") == 200
    replace(token_file, "new\n")
    wait_until(lambda: status("old") == 403)
    assert status("new") == 200


def replace(path: Path, content: str) -> None:
    """Replace a file as an operator should: never half-written."""
    fresh = path.with_suffix(".new")
    fresh.write_text(content)
    fresh.replace(path)
