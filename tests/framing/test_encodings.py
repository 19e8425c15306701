"""Text that is not UTF-8: where its items are, in the bytes as received, and what it may be."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import partial

import pytest

from etl.encodings import UNIT_BYTES, known_encoding, likely_encoding, to_utf8
from etl.errors import UsageFault
from etl.framing.form import ContentFramer, Form
from etl.framing.frames import ITEM, TRUNCATED, join_batches
from tests.framing.mixes import make_mix
from tests.framing.test_framing_properties import cut, frame_all

WIDE = sorted(UNIT_BYTES)


def find_items(form: Form, content: bytes, chunk_bytes: int) -> Iterator[tuple[int, bytes]]:
    framer = form.new_framer()
    batches = [framer.feed(chunk) for chunk in cut(content, chunk_bytes)]
    found = join_batches([*batches, framer.finish()])
    assert framer.separator_bytes + int(found.length.sum()) == len(content)
    for offset, length, kind in zip(found.offset, found.length, found.kind, strict=True):
        yield int(kind), content[offset : offset + length]


@pytest.mark.parametrize("chunk_bytes", [7, 4096])
@pytest.mark.parametrize("encoding", WIDE)
def test_wide_text_has_the_items_of_the_same_text_in_utf_8(encoding: str, chunk_bytes: int) -> None:
    for seed in range(20):
        content, _ = make_mix(random.Random(seed))
        text = content.decode("utf-8", "replace")
        utf_8 = text.encode()
        same = frame_all(utf_8, 10**9)
        expected = [
            (kind, utf_8[offset : offset + length])
            for offset, length, kind in zip(same.offset, same.length, same.kind, strict=True)
        ]
        form = Form("", partial(ContentFramer, encoding))
        found = find_items(form, text.encode(encoding), chunk_bytes)
        assert [(kind, to_utf8(item, encoding)) for kind, item in found] == expected


@pytest.mark.parametrize("encoding", WIDE)
def test_a_mark_names_the_encoding(encoding: str) -> None:
    texts = ['{"a":"é😀"}', '{"b":"\u2028"}']
    content = ("\ufeff" + "\n".join(texts)).encode(encoding)
    found = list(find_items(Form("", ContentFramer), content, 5))
    assert found == [(ITEM, text.encode(encoding)) for text in texts]


@pytest.mark.parametrize("encoding", WIDE)
def test_half_a_character_at_the_end_is_reported(encoding: str) -> None:
    content = '\ufeff{"a":1}\n'.encode(encoding) + b"\n"
    assert [kind for kind, _ in find_items(Form("", ContentFramer), content, 5)] == [
        ITEM,
        TRUNCATED,
    ]


@pytest.mark.parametrize("unit", ["\ud83d", "\ude00"])
def test_half_a_pair_is_refused_not_changed(unit: str) -> None:
    raw = f'{{"a":"{unit}x"}}'.encode("utf-16-le", "surrogatepass")
    with pytest.raises(UnicodeDecodeError):
        to_utf8(raw, "utf-16-le").decode()


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("", ""),
        ("UTF8", ""),
        ("cp1252", "cp1252"),
        ("Latin-1", "iso8859-1"),
        ("UTF-16", "utf-16-le"),
    ],
)
def test_an_encoding_has_one_name(name: str, known: str) -> None:
    assert known_encoding(name) == known


@pytest.mark.parametrize(
    "name", ["klingon", "cp037", "shift_jis", "utf-7", "rot13", "unicode_escape"]
)
def test_what_cannot_be_framed_is_refused_by_name(name: str) -> None:
    with pytest.raises(UsageFault, match="cp1252"):
        known_encoding(name)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("Renée Müller – naïve".encode("cp1252"), "likely_windows_1252"),
        ('{"a":"Öl"}'.encode("cp1252"), "likely_windows_1252"),
        (b'{"a":"\xe9"}', "bad_utf8"),
        ("é".encode() + "Renée".encode("cp1252"), "bad_utf8"),
        (b"cut \xc3", "bad_utf8"),
        (b"\xff\xfe\xfd", "likely_utf_16"),
        ('{"a":1}'.encode("utf-16-be"), "likely_utf_16"),
        ('{"a":1}'.encode("utf-32-le"), "likely_utf_32"),
        ("[1]".encode("utf-16-le"), "likely_utf_16"),
        (b'{\0\0\0"a":1}', ""),
        (b'{"a":1', ""),
    ],
)
def test_the_reason_names_the_likely_encoding(raw: bytes, reason: str) -> None:
    assert likely_encoding(raw) == reason


def test_utf_8_beside_single_bytes_stays_as_it_is() -> None:
    text = json.dumps({"a": "é"}, ensure_ascii=False)
    assert to_utf8(text.encode(), "cp1252") == to_utf8(text.encode("cp1252"), "cp1252")
