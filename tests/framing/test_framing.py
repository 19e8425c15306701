"""Framing: which bytes are items, in every layout, however the content is cut into chunks."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from etl.framing.form import frame
from etl.framing.frames import BROKEN, ITEM, TRUNCATED
from etl.framing.segments import MAGIC, encode_record
from tests.framing.mixes import DAMAGES, compact, make_message, pretty, spaced

WHOLE = 10_000_000
LAYOUTS_OF_MANY: dict[str, tuple[Callable[[object], bytes], bytes, bytes, bytes]] = {
    "lines": (spaced, b"", b"\n", b"\n"),
    "array": (compact, b"[", b",", b"]"),
    "pretty array": (pretty, b"[\n", b",\n", b"\n]\n"),
    "run": (compact, b"", b"", b""),
    "pretty run": (pretty, b"", b"\n", b"\n"),
}


def cut(content: bytes, chunk_bytes: int) -> Iterator[bytes]:
    return (content[at : at + chunk_bytes] for at in range(0, len(content), chunk_bytes))


KINDS = {BROKEN: "broken", TRUNCATED: "truncated"}
Found = bytes | tuple[str, bytes]


def read_items(content: bytes, chunk_bytes: int = WHOLE) -> list[Found]:
    """The items in order; one that is damaged as (kind, bytes)."""
    items: list[Found] = []
    for batch in frame(cut(content, chunk_bytes)):
        for offset, length, kind in zip(batch.offset, batch.length, batch.kind, strict=True):
            text = content[offset : offset + length]
            items.append(text if kind == ITEM else (KINDS[int(kind)], text))
    return items


def bad(text: bytes) -> Found:
    return ("broken", text)


def lost(text: bytes) -> Found:
    return ("truncated", text)


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
    "lines that are no objects": (A + b"\n[1]\nnull\n7\n" + B, [A, b"[1]", b"null", b"7", B]),
    "first line an array of numbers": (b"[1,2]\n" + A + b"\n", [b"[1,2]", A]),
    "first line a number": (b"12\n" + A + b"\n", [b"12", A]),
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
    "array after array": (b"[%b,%b]\n[%b]\n\n[]\n[%b]" % (A, B, C, A), [A, B, C, A]),
    "arrays in an array": (b"[[%b,%b],[%b],[1,2]]" % (A, B, C), [A, B, C, b"[1,2]"]),
    "lines with commas": (A + b",\n" + B + b",\r\n" + C + b",\n", [A, B, C]),
    "lines that begin with commas": (A + b"\n," + B + b"\n," + C, [A, B, C]),
    "a line of two objects": (A + b"\n" + B + C + b"\n" + A, [A, B, C, A]),
    "a line of two objects with a comma": (A + b"\n" + B + b", " + C + b"\n" + A, [A, B, C, A]),
    "byte order marks anywhere": (
        b"\xef\xbb\xbf%b\n\xef\xbb\xbf%b\xef\xbb\xbf[%b]" % (A, B, C),
        [A, B, C],
    ),
    "NUL bytes between": (b"\0" * 9 + A + b"\n\0\0" + B + b"\0" + C + b"\0", [A, B, C]),
    "record separators": (b"\x1e" + A + b"\n\x1e" + B + b"\n", [A, B]),
    "run with commas": (A + b"," + B + b",, " + C + b",", [A, B, C]),
    "array without commas": (b"[" + A + b" " + B + b"]", [A, B]),
    "array with commas too many": (b"[," + A + b",," + B + b",]", [A, B]),
    "pretty after lines": (A + b"\n" + PRETTY + b"\n" + B + b"\n", [A, PRETTY, B]),
    "array after lines": (
        A + b"\n" + B + b"\n[\n" + C + b",\n" + A + b"\n]\n" + B,
        [A, B, C, A, B],
    ),
    "texts": (b'"a"\n"{\\"b\\":1}"\n' + A, [b'"a"', b'"{\\"b\\":1}"', A]),
    "run": (A + B + C, [A, B, C]),
    "run with blanks": (A + b"  " + B + b"\t" + C, [A, B, C]),
    "pretty run": (PRETTY + b"\n" + PRETTY, [PRETTY, PRETTY]),
    "empty object then pretty run": (b"{}\n" + PRETTY + b"\n" + A, [b"{}", PRETTY, A]),
    "pretty run then lines": (PRETTY + b"\n" + A + b"\n" + B, [PRETTY, A, B]),
    "unindented run": (b'{"a":\n{"b":\n1}\n}\n' + A, [b'{"a":\n{"b":\n1}\n}', A]),
    "several values on each line": (A + B + b"\n" + B + C, [A, B, B, C]),
    "several values on the first line": (A + B + b"\n" + A + b"\n" + C, [A, B, A, C]),
    "run ended CR": (A + b"\r" + B + b"\r", [A, B]),
}
M = b'{"Meta":{"DataModel":"Order"},"n":%d}'
M1, M2, M3 = M % 1, M % 2, M % 3
DAMAGED: dict[str, tuple[bytes, list[Found]]] = {
    "a line that is not JSON": (A + b"\n{oops\n" + C + b"\n", [A, bad(b"{oops"), C]),
    "a line of words": (A + b"\nxyz  \n" + C + b"\n", [A, bad(b"xyz"), C]),
    "two lines of words": (A + b"\nx,y\nz\n" + C, [A, bad(b"x,y"), bad(b"z"), C]),
    "words behind an object": (A + b" xyz\n" + B + b"\n" + C, [A, bad(b"xyz"), B, C]),
    "first line cut off": (b'{"a": {"b"\n' + A + b"\n" + B, [bad(b'{"a": {"b"'), A, B]),
    "first line cut off after a colon": (b'{"a":\n' + A + b"\n" + B, [bad(b'{"a":'), A, B]),
    "first line cut at its start": (b'b":1}\n' + A + b"\n" + B, [bad(b'b":1}'), A, B]),
    "first line only a brace": (b"{\n" + A + b"\n" + B, [bad(b"{"), A, B]),
    "first line an unclosed array": (b"[1,2\n" + A + b"\n" + B, [bad(b"[1,2"), A, B]),
    "first two lines bad": (b"{x\n{y\n" + A + b"\n", [bad(b"{x"), bad(b"{y"), A]),
    "array with a bad element": (b"[%b,{oops}, %b]" % (A, B), [A, bad(b"{oops}"), B]),
    "array with a word": (b"[%b, nul, %b]" % (A, B), [A, bad(b"nul"), B]),
    "array with a last word": (b"[%b, nul]" % A, [A, bad(b"nul")]),
    "array that is not closed": (b"[" + A + b"," + B, [A, B, lost(b"")]),
    "array cut inside an element": (b"[" + A + b',\n{"b": {"c"', [A, lost(b'{"b": {"c"')]),
    "array cut after a comma": (b"[" + A + b", ", [A, lost(b", ")]),
    "array that is never closed": (b"[", [lost(b"[")]),
    "array cut before another": (b"[%b,%b\n[%b]\n" % (A, B, C), [A, B, lost(b"\n"), C]),
    "array with words after it": (b"[" + A + b"]\nxyz\n", [A, bad(b"xyz")]),
    "array closed twice": (b"[" + A + b"]]" + B, [A, bad(b"]"), B]),
    "array closed by a brace": (b"[" + A + b"}," + B + b"]", [A, bad(b"}"), B]),
    "run with words between": (M1 + b" xyz " + M2, [M1, bad(b"xyz"), M2]),
    "run with a closing brace too many": (A + b"}" + B, [A, bad(b"}"), B]),
    "run with a bad object": (A + b"{oops}" + B, [A, bad(b"{oops}"), B]),
    "run with crossed brackets": (A + b'{"x":[}]' + B, [A, bad(b'{"x":[}]'), B]),
    "run cut off": (PRETTY + PRETTY[:-2], [PRETTY, lost(PRETTY[:-2])]),
    "object cut off": (PRETTY[:-2], [lost(PRETTY[:-2])]),
    "pretty object cut before another": (
        PRETTY + b"\n" + PRETTY[:-2] + b"\n" + PRETTY,
        [PRETTY, bad(PRETTY[:-2]), PRETTY],
    ),
    "object closed too early": (
        b'{"Meta":{"DataModel":"Order"}},"n":1}\n' + M2,
        [bad(b'{"Meta":{"DataModel":"Order"}},"n":1}'), M2],
    ),
    "a neighbor without its start, its Meta left": (
        b'[%b,"n":1,"o":[{"x":1}],"Meta":{}},%b]' % (M1, M2),
        [M1, bad(b'"n":1,"o":[{"x":1}],"Meta":{}}'), M2],
    ),
    "a byte that begins nothing between a colon and the next": (
        b'{"Meta":{"D"a":1},"n":\xbf%b\n%b' % (M1, M2),
        [bad(b'{"Meta":{"D"a":1},"n":'), bad(b"\xbf"), M1, M2],
    ),
    "zeros behind the first brace": (
        b"{\0\0\0" + A[1:] + b"\n" + M1,
        [bad(b"{\0\0\0" + A[1:]), M1],
    ),
    "a neighbor without its start, Meta last in the next": (
        b'[%b,"Meta":{},"n":1},{"n":2,"o":[{"x":1}],"Meta":{}},{"n":3,"o":["x":1}],"Meta":{}},%b]'
        % (M1, M2),
        [
            M1,
            bad(b'"Meta":{},"n":1}'),
            b'{"n":2,"o":[{"x":1}],"Meta":{}}',
            bad(b'{"n":3,"o":["x":1}],"Meta":{}}'),
            M2,
        ],
    ),
    "a neighbor without its start, two objects closed": (
        b'[%b,"n":1},{"x":1}],"o":[]},%b]' % (M1, M2),
        [M1, bad(b'"n":1},{"x":1}],"o":[]}'), M2],
    ),
    "open text in an array": (
        b'[%b,{"Meta":{"a":"x}},%b,%b]' % (M1, M2, M3),
        [M1, bad(b'{"Meta":{"a":"x}}'), M2, M3],
    ),
    "open texts in an array": (
        b'[{"Meta":{"a":"x}},{"Meta":{"a":"y}},%b]' % M3,
        [bad(b'{"Meta":{"a":"x}}'), bad(b'{"Meta":{"a":"y}}'), M3],
    ),
    "open text, Meta not first": (
        b'[{"n":"x},{"n":1,"Meta":{}},{"n":2,"Meta":{}}]',
        [bad(b'{"n":"x}'), b'{"n":1,"Meta":{}}', b'{"n":2,"Meta":{}}'],
    ),
    "open text in a row of envelopes": (
        b'[{"body":1},{"body":"x},{"body":3}]',
        [b'{"body":1}', bad(b'{"body":"x}'), b'{"body":3}'],
    ),
    "brackets missing at an end": (
        b'[{"Meta":{},"x":[{"y":1},%b,%b]' % (M2, M3),
        [bad(b'{"Meta":{},"x":[{"y":1}'), M2, M3],
    ),
    "open text at the end": (A + b'\n{"a":"xyz', [A, lost(b'{"a":"xyz')]),
    "UTF-16 without mark": ("{}\n{}".encode("utf-16-le"), [bad("{}\n{}".encode("utf-16-le"))]),
    "zeros": (b"\0" * 50, [bad(b"\0" * 50)]),
    "XML": (b"<a>\n <b/>\n</a>\n", [bad(b"<a>\n <b/>\n</a>")]),
    "XML before a message": (b"<a>\n <b/>\n</a>\n" + A, [bad(b"<a>\n <b/>\n</a>"), A]),
    "one word": (b"\n hello", [bad(b"hello")]),
}


@pytest.mark.parametrize("chunk_bytes", [1, 3, 8, WHOLE])
@pytest.mark.parametrize("name", LAYOUTS)
def test_every_message_is_one_item(name: str, chunk_bytes: int) -> None:
    content, expected = LAYOUTS[name]
    assert read_items(content, chunk_bytes) == expected


@pytest.mark.parametrize("chunk_bytes", [1, 3, 8, WHOLE])
@pytest.mark.parametrize("name", DAMAGED)
def test_damage_costs_one_item(name: str, chunk_bytes: int) -> None:
    content, expected = DAMAGED[name]
    assert read_items(content, chunk_bytes) == expected


@pytest.mark.parametrize(
    "odd",
    [b'{"a":NaN}', b'{"a":-Infinity,"b":"NaN"}', b'{"a":"\xff"}', b'{"a":"\\ud800"}', b"{}"],
)
@pytest.mark.parametrize("form", [b"[%b,%b,%b]", b"%b %b\n\n%b"])
def test_a_message_with_its_own_reason_does_not_break_the_rest(form: bytes, odd: bytes) -> None:
    assert read_items(form % (A, odd, B)) == [A, odd, B]


@pytest.mark.parametrize("odd", [b'{"a":"\n"}', b'{"a":nan}', b"{'a':1}", b'{"a":"\\x"}'])
@pytest.mark.parametrize("form", [b"[%b,%b,%b]", b"%b%b%b", b"%b\n%b\n%b\n"])
def test_what_is_no_json_is_one_item(form: bytes, odd: bytes) -> None:
    assert read_items(form % (A, odd, B)) == [A, bad(odd), B]


@pytest.mark.parametrize("form", [b"[%b,%b,%b]", b"%b %b %b"])
def test_deep_nesting_is_framed_by_its_brackets(form: bytes) -> None:
    deep = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert read_items(form % (A, deep, B), 7_000) == [A, deep, B]


@pytest.mark.parametrize("form", [b"[%b, %b ,%b]", b"%b %b\n%b"])
def test_a_huge_value_is_framed_without_being_held(
    form: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("etl.framing.values.MAX_HELD_BYTES", 50)
    huge = b'{"a":"' + b"x" * 500 + b'"}'
    found = read_items(form % (A, huge, B), 20)
    assert [item.strip() for item in found if isinstance(item, bytes)] == [A, huge, B]


def test_an_escaped_quote_does_not_end_a_string() -> None:
    values = [json.dumps({"a": "\\" * count + '"}{'}).encode() for count in range(9)]
    for chunk_bytes in (1, 2, 3, 5, 7, WHOLE):
        assert read_items(b"[" + b",".join(values) + b"]", chunk_bytes) == values
        assert read_items(b"".join(values), chunk_bytes) == values


def test_a_segment_is_known_by_its_magic() -> None:
    content = MAGIC + encode_record(7, A) + encode_record(8, B)
    batches = [batch for batch in frame(cut(content, 9)) if len(batch)]
    assert read_items(content, 9) == [A, B]
    assert [time for batch in batches for time in batch.received_at_us.tolist()] == [7, 8]


@pytest.mark.parametrize("count", [1, 3, 100, pytest.param(1_000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("place", ["first", "middle", "last"])
@pytest.mark.parametrize("layout", ["lines", "array", "pretty array", "run", "pretty run"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_one_bad_item_costs_no_other(damage: str, layout: str, place: str, count: int) -> None:
    _, before, join, after = LAYOUTS_OF_MANY[layout]
    good = many_messages(layout, count)
    odd = {"first": 0, "middle": count // 2, "last": count - 1}[place]
    damaged = DAMAGES[damage](random.Random(count), good[odd])
    texts = [*good[:odd], damaged, *good[odd + 1 :]]
    found = read_items(before + join.join(texts) + after)
    whole = {item for item in found if isinstance(item, bytes)}
    assert [text for text in texts if text not in whole and text != damaged] == []
    if damage != "its start cut":  # what is left may be several objects
        assert len(found) <= len(texts) + 3


@cache
def many_messages(layout: str, count: int) -> list[bytes]:
    write = LAYOUTS_OF_MANY[layout][0]
    rng = random.Random(count)
    return [write(make_message(rng, number)) for number in range(count)]
