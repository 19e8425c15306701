"""Tables: where their rows are, however they are written, cut into chunks or damaged."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.errors import UsageFault
from etl.framing.delimited import read_layout
from etl.framing.form import ContentFramer
from etl.framing.frames import ITEM, Account, join_batches
from etl.framing.items import Parts

COLUMNS = ("payload", "")
TEXT = st.text(alphabet='ab{},;\t|"\n é\\', max_size=8)


def write(rows: list[list[str]], delimiter: str = ",", end: str = "\n") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
    writer.writerows([["id", "payload"], *rows])
    return text.getvalue().encode()


def frame(content: bytes, chunk_bytes: int = 10**9) -> list[tuple[int, bytes]]:
    framer = ContentFramer("", Parts(lambda _: 1, in_all=True), COLUMNS)
    chunks = (content[at : at + chunk_bytes] for at in range(0, len(content), chunk_bytes))
    found = join_batches([*map(framer.feed, chunks), framer.finish()])
    account = Account()
    account.add(found)
    account.check(framer, size_bytes=len(content))
    return [
        (int(kind), content[offset : offset + length])
        for offset, length, kind in zip(found.offset, found.length, found.kind, strict=True)
    ]


def messages(content: bytes, chunk_bytes: int = 10**9) -> Iterator[str]:
    header = content.partition(b"\n")[0]
    layout = read_layout(header, column="payload", received_at="")
    for kind, row in frame(content, chunk_bytes):
        read = layout.read_row(row) if kind == ITEM else None
        yield read[0].decode() if read else "-"


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(TEXT, max_size=5),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    chunk_bytes=st.sampled_from([1, 7, 1000]),
)
def test_every_field_comes_back(
    texts: list[str], delimiter: str, end: str, chunk_bytes: int
) -> None:
    content = write([[str(number), text] for number, text in enumerate(texts)], delimiter, end)
    expected = [text if text.strip() else "-" for text in texts]
    assert list(messages(content, chunk_bytes)) == expected


def test_messages_on_several_lines_are_one_row() -> None:
    texts = [json.dumps({"a": ["x", 'say "hi"']}, indent=2) for _ in range(3)]
    assert list(messages(write([["1", text] for text in texts]))) == texts


def test_json_without_quotes_around_it_is_a_field() -> None:
    texts = ['{"a":"one \\" quote"}', '{"b":1}', '{"c":"\\"\\"\\""}']
    content = "id\tpayload\n" + "".join(f"{n}\t{text}\n" for n, text in enumerate(texts))
    assert list(messages(content.encode())) == texts


@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_open_quote_costs_its_row_alone(place: int) -> None:
    rows = ['1,"{""a"":1}"', '2,"{""a"":2}"', '3,"{""a"":3}"']
    good = [f'{{"a":{number}}}' for number in (1, 2, 3)]
    rows[place] = rows[place][:-1]
    good[place] = "-"
    content = "id,payload\n" + "\n".join(rows) + "\n"
    assert list(messages(content.encode())) == good


def test_rows_of_another_length_cost_themselves() -> None:
    content = b'id,payload\n1,"{}"\n2\n3,"{}",4\n\n5,"{}"'
    assert list(messages(content)) == ["{}", "-", "-", "{}"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_wide_tables_have_the_same_rows(encoding: str) -> None:
    content = "\ufeff" + write([["1", '{"a":"é😀"}'], ["2", "{}"]]).decode()
    rows = [row.decode(encoding) for _, row in frame(content.encode(encoding), 7)]
    assert rows == ['1,"{""a"":""é😀""}"', "2,{}"]


@pytest.mark.parametrize(
    ("header", "said"),
    [(b"id,body", "columns are id, body"), (b'{"a":1}', "header"), (b"payload,Payload\n", "")],
)
def test_a_column_is_found_or_the_others_are_named(header: bytes, said: str) -> None:
    find = partial(read_layout, header, column="payload", received_at="")
    if said:
        with pytest.raises(UsageFault, match=said):
            find()
    else:
        assert find().column == 0


def test_an_open_quote_takes_linear_time() -> None:
    rows = b"".join(b'%d,"{""a"":%d}\n' % (number, number) for number in range(20_001))
    assert len(frame(b"id,payload\n" + rows, 2**16)) == 20_001
