"""Framing: which bytes are items, in every layout, however the content is cut into chunks."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from etl.landing import framing
from etl.landing.frames import BROKEN, ITEM
from etl.landing.framing import frame
from etl.landing.run import split_values
from etl.landing.segments import MAGIC, encode_record

WHOLE = 10_000_000


def cut(content: bytes, chunk_bytes: int) -> Iterator[bytes]:
    return (content[at : at + chunk_bytes] for at in range(0, len(content), chunk_bytes))


def read_items(content: bytes, chunk_bytes: int = WHOLE) -> list[bytes | tuple[str, bytes]]:
    """The items in order; a broken one as ("broken", bytes)."""
    items: list[bytes | tuple[str, bytes]] = []
    for batch in frame(cut(content, chunk_bytes)):
        for offset, length, kind in zip(batch.offset, batch.length, batch.kind, strict=True):
            text = content[offset : offset + length]
            items.append(text if kind == ITEM else ("broken", text))
    return items


A, B, C = b'{"a":1}', b'{"b":"}{"}', b'{"c":[{}]}'
PRETTY = json.dumps({"a": {"b": [1, {"c": "x"}]}}, indent=2).encode()
LAYOUTS = {
    "nothing": (b"", []),
    "blank": (b" \r\n\n\t ", []),
    "byte order mark alone": (b"\xef\xbb\xbf", []),
    "one object": (A, [A]),
    "one object after a byte order mark": (b"\xef\xbb\xbf" + A, [A]),
    "one pretty object": (PRETTY, [PRETTY]),
    "lines": (A + b"\n" + B + b"\n" + C + b"\n", [A, B, C]),
    "lines without last newline": (A + b"\n" + B, [A, B]),
    "lines ended CRLF": (A + b"\r\n" + B + b"\r\n\r\n" + C + b"\r", [A, B, C]),
    "blank lines": (b"\n" + A + b"\n  \n\t\n\n" + B + b"\n ", [A, B]),
    "a line that is not JSON": (A + b"\n{oops\n" + C + b"\n", [A, b"{oops", C]),
    "lines that are no objects": (A + b"\n[1]\nnull\n7\n" + B, [A, b"[1]", b"null", b"7", B]),
    "a line of two objects": (A + b"\n" + B + C + b"\n" + A, [A, B + C, A]),
    "byte order mark inside": (A + b"\n\xef\xbb\xbf" + B, [A, b"\xef\xbb\xbf" + B]),
    "first line cut off": (b'{"a": {"b"\n' + A + b"\n" + B, [b'{"a": {"b"', A, B]),
    "first line cut off after a colon": (b'{"a":\n' + A + b"\n" + B, [b'{"a":', A, B]),
    "first line cut at its start": (b'b":1}\n' + A + b"\n" + B, [b'b":1}', A, B]),
    "first line only a brace": (b"{\n" + A + b"\n" + B, [b"{", A, B]),
    "first line an array of numbers": (b"[1,2]\n" + A + b"\n", [b"[1,2]", A]),
    "first line an unclosed array": (b"[1,2\n" + A + b"\n" + B, [b"[1,2", A, B]),
    "first line a number": (b"12\n" + A + b"\n", [b"12", A]),
    "first two lines bad": (b"{x\n{y\n" + A + b"\n", [b"{x", b"{y", A]),
    "numbers": (b"1\n2\n3\n", [b"1", b"2", b"3"]),
    "array": (b"[" + A + b"," + B + b"," + C + b"]", [A, B, C]),
    "array over lines": (b"[\n" + A + b",\n" + B + b"\n]\n", [A, B]),
    "array with a bracket line end": (b"[" + A + b",\n" + B + b"]", [A, B]),
    "array with leading commas": (b"[" + A + b"\n," + B + b"\n]", [A, B]),
    "pretty array": (b"[\n  " + PRETTY + b",\n  " + PRETTY + b"\n]", [PRETTY, PRETTY]),
    "empty array": (b" [ ] \n", []),
    "array of anything": (
        b'[1, "a,]", null, [2], ' + A + b"]",
        [b"1", b'"a,]"', b"null", b"[2]", A],
    ),
    "run": (A + B + C, [A, B, C]),
    "run with blanks": (A + b"  " + B + b"\t" + C, [A, B, C]),
    "pretty run": (PRETTY + b"\n" + PRETTY, [PRETTY, PRETTY]),
    "empty object then pretty run": (b"{}\n" + PRETTY + b"\n" + A, [b"{}", PRETTY, A]),
    "pretty run then lines": (PRETTY + b"\n" + A + b"\n" + B, [PRETTY, A, B]),
    "unindented run": (b'{"a":\n{"b":\n1}\n}\n' + A, [b'{"a":\n{"b":\n1}\n}', A]),
    "several values on each line": (A + B + b"\n" + B + C, [A, B, B, C]),
    "several values on the first line": (A + B + b"\n" + A + b"\n" + C, [A, B, A, C]),
    "first line with text after it": (A + b" xyz\n" + B + b"\n" + C, [A + b" xyz", B, C]),
    "run ended CR": (A + b"\r" + B + b"\r", [A, B]),
}
DAMAGED = {
    "array with a bad element": (b"[" + A + b",{oops}, " + B + b"]", [A], b"{oops}, " + B + b"]"),
    "array that is not closed": (b"[" + A + b"," + B, [A, B], b""),
    "array cut inside an element": (b"[" + A + b',\n{"b": {"c"', [A], b'{"b": {"c"'),
    "array cut after a comma": (b"[" + A + b", ", [A], b""),
    "array with text after it": (b"[" + A + b"]\nxyz\n", [A], b"xyz\n"),
    "array with an object after it": (b"[" + A + b"]\n" + B + b"\n", [A], B + b"\n"),
    "array closed twice": (b"[" + A + b"]]", [A], b"]"),
    "array closed by a brace": (b"[" + A + b"}", [A], b"}"),
    "array without a comma": (b"[" + A + b" " + B + b"]", [A], B + b"]"),
    "array with a comma too many": (b"[" + A + b",," + B + b"]", [A], b"," + B + b"]"),
    "array with a last comma": (b"[" + A + b",]", [A], b"]"),
    "array that begins with a comma": (b"[," + A + b"]", [], b"," + A + b"]"),
    "array with a word": (b"[" + A + b", nul]", [A], b"nul]"),
    "array that is never closed": (b"[", [], b""),
    "run with text between": (A + b" xyz " + B, [A], b"xyz " + B),
    "run with a comma": (A + b"," + B, [A], b"," + B),
    "run with a closing brace too many": (A + b"}" + B, [A], b"}" + B),
    "run with a bad object": (A + b"{oops}" + B, [A], b"{oops}" + B),
    "run with crossed brackets": (A + b'{"x":[}]' + B, [A], b'{"x":[}]' + B),
    "run cut off": (PRETTY + PRETTY[:-3], [PRETTY], PRETTY[:-3]),
    "object cut off": (PRETTY[:-3], [], PRETTY[:-3]),
    "open string": (A + b'{"a":"' + B, [A], b'{"a":"' + B),
    "UTF-16": ("\ufeff{}\n{}".encode("utf-16-le"), [], "\ufeff{}\n{}".encode("utf-16-le")),
    "UTF-16 without mark": ("{}\n{}".encode("utf-16-le"), [], "{}\n{}".encode("utf-16-le")),
    "zeros": (b"\0" * 50, [], b"\0" * 50),
    "XML": (b"<a>\n <b/>\n</a>\n", [], b"<a>\n <b/>\n</a>\n"),
    "one word": (b"\n hello", [], b"hello"),
}


@pytest.mark.parametrize("chunk_bytes", [1, 3, 8, WHOLE])
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_message_is_one_item(name: str, chunk_bytes: int) -> None:
    content, expected = LAYOUTS[name]
    assert read_items(content, chunk_bytes) == expected


@pytest.mark.parametrize("chunk_bytes", [1, 3, 8, WHOLE])
@pytest.mark.parametrize("name", DAMAGED)
def test_what_cannot_be_framed_is_one_broken_item(name: str, chunk_bytes: int) -> None:
    content, good, broken = DAMAGED[name]
    expected = [*good, *([("broken", broken)] if broken else [])]
    assert read_items(content, chunk_bytes) == expected


@pytest.mark.parametrize(
    "odd",
    [b'{"a":NaN}', b'{"a":-Infinity,"b":"NaN"}', b'{"a":"\xff"}', b'{"a":"\\ud800"}', b"{}"],
)
@pytest.mark.parametrize("form", [b"[%b,%b,%b]", b"%b %b\n\n%b"])
def test_a_message_with_its_own_reason_does_not_break_the_rest(form: bytes, odd: bytes) -> None:
    assert read_items(form % (A, odd, B)) == [A, odd, B]


@pytest.mark.parametrize("odd", [b'{"a":"\n"}', b'{"a":nan}', b"{'a':1}", b'{"a":"\\x"}'])
def test_what_is_no_json_breaks_an_array(odd: bytes) -> None:
    assert read_items(b"[%b,%b]" % (A, odd)) == [A, ("broken", odd + b"]")]


@pytest.mark.parametrize("form", [b"[%b,%b,%b]", b"%b %b %b"])
def test_deep_nesting_is_framed_by_its_brackets(form: bytes) -> None:
    deep = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert read_items(form % (A, deep, B), 7_000) == [A, deep, B]


@pytest.mark.parametrize("form", [b"[%b, %b ,%b]", b"%b %b\n%b"])
def test_a_huge_value_is_framed_without_being_held(
    form: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("etl.landing.values.MAX_HELD_BYTES", 50)
    huge = b'{"a":"' + b"x" * 500 + b'"}'
    found = read_items(form % (A, huge, B), 20)
    assert [item.strip() for item in found if isinstance(item, bytes)] == [A, huge, B]


def test_an_escaped_quote_does_not_end_a_string() -> None:
    values = [json.dumps({"a": "\\" * count + '"}{'}).encode() for count in range(9)]
    for chunk_bytes in (1, 2, 3, 5, 7, WHOLE):
        assert read_items(b"[" + b",".join(values) + b"]", chunk_bytes) == values
        assert read_items(b"".join(values), chunk_bytes) == values


@pytest.mark.parametrize("probe_bytes", [8, 64, 4096])
@pytest.mark.parametrize("name", ["lines", "run", "array", "pretty run", "one pretty object"])
def test_the_layout_shows_in_a_small_head(
    name: str, probe_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(framing, "FIRST_PROBE_BYTES", probe_bytes)
    content, expected = LAYOUTS[name]
    assert read_items(content + b"\n" * 200, 5) == expected


def test_a_long_first_line_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "FIRST_PROBE_BYTES", 16)
    long_line = b'{"a":"' + b"x" * 5_000 + b'"}'
    content = long_line + b"\n{oops\n" + A + b"\n"
    assert read_items(content, 100) == [long_line, b"{oops", A]


def test_a_first_line_beyond_the_last_probe_is_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "FIRST_PROBE_BYTES", 16)
    monkeypatch.setattr(framing, "LAST_PROBE_BYTES", 64)
    long_line = b'{"a":"' + b"x" * 5_000 + b'"}'
    assert read_items(long_line + b"\n" + A, 100) == [long_line, A]


def test_a_segment_is_known_by_its_magic() -> None:
    content = MAGIC + encode_record(7, A) + encode_record(8, B)
    batches = [batch for batch in frame(cut(content, 9)) if len(batch)]
    assert read_items(content, 9) == [A, B]
    assert [time for batch in batches for time in batch.received_at_us.tolist()] == [7, 8]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (A + B, [(0, 7), (7, 10)]),
        (A + b" " + B + b" ", [(0, 7), (8, 10)]),
        (A, None),
        (A + b"x", None),
        (A + b"{oops}", None),
        (b"", None),
    ],
)
def test_a_line_of_several_values_can_be_split(
    line: bytes, expected: list[tuple[int, int]] | None
) -> None:
    assert split_values(line) == expected


def test_broken_kind_is_told() -> None:
    batches = [batch for batch in frame(iter([b"[1,", b"x]"])) if len(batch)]
    assert [kind for batch in batches for kind in batch.kind.tolist()] == [ITEM, BROKEN]
