"""The compiled reader on odd and hostile bytes: never past an item's end, nothing left of a misfit."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl.kernel import _reader
from etl.kernel.exact import Refused
from etl.kernel.run import Status
from tests.kernel.one_message import COMPILED, as_items, message, run_messages, see

RICH = json.dumps(
    message(
        Patient={
            "Identifiers": [
                {"ID": "é\n\U0001f600", "IDType": "MR"},
                None,
                {"ID": "", "IDType": None},
            ],
            "Notes": ["one", None, "", "two \\"],
            "Demographics": {"IsHispanic": True, "IsDeceased": False, "DOB": "1984-02-29"},
        },
        Visit={"VisitNumber": "1", "Duration": 12, "Balance": -0.5},
        Extensions={"a": {"url": None, "object": {"deep": [1, {"x": []}]}}},
    ),
    ensure_ascii=False,
).encode()


def test_every_prefix_of_a_message_is_told_from_the_whole() -> None:
    items = as_items([RICH])
    program = COMPILED.program_of(b"PatientAdmin", b"Arrival")
    assert program is not None
    for size in range(len(RICH)):
        length = np.asarray([size], np.int64)
        columns = _reader.read(program.reader, items.content, items.offset, length)
        assert not columns.fits[0]
        assert not columns.populated()
        assert columns.row_count(0) == 0


def test_items_that_touch_are_read_alone() -> None:
    whole = see(RICH)
    result = run_messages(RICH, RICH[:-1], RICH)
    assert result.status.tolist() == [Status.FITS, Status.QUARANTINED, Status.FITS]
    assert result.hashes[0].tobytes() == result.hashes[2].tobytes() == whole.content_hash


def test_an_item_outside_of_the_bytes_is_refused() -> None:
    items = as_items([RICH])
    program = COMPILED.program_of(b"PatientAdmin", b"Arrival")
    assert program is not None
    for offset, length in ((-1, 5), (0, -1), (0, len(items.content)), (2**62, 2**62)):
        with pytest.raises(ValueError, match="outside"):
            _reader.read(
                program.reader,
                items.content,
                np.asarray([offset], np.int64),
                np.asarray([length], np.int64),
            )


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(RICH) - 1), st.integers(0, 255))
def test_one_changed_byte_is_read_as_the_exact_way_reads_it(at: int, byte: int) -> None:
    raw = RICH[:at] + bytes([byte]) + RICH[at + 1 :]
    seen = see(raw)
    exact = COMPILED.exact.conform_all([raw])[0]
    if isinstance(exact, Refused):
        assert (seen.status, seen.reason) == (Status.QUARANTINED, exact.reason)
    else:
        assert seen.status is not Status.QUARANTINED
        assert seen.content_hash == exact.content_hash


@pytest.mark.parametrize(
    "text",
    ['"\\ud83d"', '"\\ude00\\ud83d"', '"\t"', '"\\x"', '"\\u12"', "01", "1.", "+1", "tru", "nul"],
)
def test_what_is_not_plain_json_never_fits(text: str) -> None:
    raw = json.dumps(message(Visit={"VisitNumber": "@"})).replace('"@"', text).encode()
    assert see(raw).status is not Status.FITS


JSON: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(JSON)
def test_any_extension_hashes_alike_both_ways(value: Any) -> None:
    payload = message(Extensions={"a": {"url": None, "object": value}})
    raw = json.dumps(payload).encode()
    exact = COMPILED.exact.conform(raw)
    assert see(raw).content_hash == exact.content_hash
    spelled = json.dumps(payload, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")
    if b"\xed" not in spelled:
        assert see(spelled).content_hash == exact.content_hash
