"""Detect: how content is laid out, told from its first bytes, never from its name.

The rule, in this order, on the text after a byte order mark and leading whitespace. `line` means a
line that is not blank; only the first PROBE_LINES lines are looked at.

1. Text that begins with neither `{` nor `[`: lines, when a line is a complete object or every line
   is a JSON value; else unreadable as a whole (a PDF, XML or HL7 file is one broken item, not
   thousands).
2. One line alone: a run (`{`) or an array (`[`).
3. `[` and the first line is a complete array: an array, unless it holds no object.
4. The first line that is no complete object begins a value that spans lines: a run or an array.
5. `{` and the first line is a complete object: lines.
6. The first line is several values, all valid: a run.
7. Two lines one after the other are complete objects: lines, since inside one value a comma would
   stand between them. So a malformed first line does not turn NDJSON into something else.
8. The second line begins with `{` at column 0, though after an opening brace only `"` or `}` can
   follow and the first line does not end with `[`, `:` or `,`: lines (for `[` the second line must
   also be complete).
9. Else a run or an array.

Every line and every value is judged again by the framer: a wrong guess costs how finely damage is
cut into items, never a byte.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise

from etl.landing.run import split_values
from etl.landing.structure import end_of_first_value
from etl.landing.validity import WHITESPACE, is_json_object, is_json_value

PROBE_LINES = 1_000
_ENDS_OPEN = (b"[", b":", b",")


class Layout(StrEnum):
    """How messages stand in content."""

    LINES = "lines"
    ARRAY = "array"
    RUN = "run"
    UNREADABLE = "unreadable"


def detect_layout(head: bytes, *, is_whole: bool) -> Layout | None:
    """Tell the layout from the first bytes; None when more bytes are needed to tell.

    `head` begins with a byte that is no whitespace; `is_whole` tells that nothing follows it.
    """
    lines, is_last_cut = _probe_lines(head, is_whole=is_whole)
    if head[:1] not in (b"{", b"["):
        return Layout.LINES if _are_lines_of_values(lines, is_last_cut) else Layout.UNREADABLE
    values = Layout.RUN if head.startswith(b"{") else Layout.ARRAY
    if len(lines) > 1:
        return Layout.LINES if _are_lines(lines) else values
    is_in_first_value = values is Layout.RUN and end_of_first_value(head) is None
    return None if is_last_cut and is_in_first_value else values


def _probe_lines(head: bytes, *, is_whole: bool) -> tuple[list[bytes], bool]:
    """The first lines, and whether the last of them goes on after the head."""
    lines: list[bytes] = []
    begin = 0
    while begin < len(head) and len(lines) < PROBE_LINES:
        end = head.find(b"\n", begin)
        is_cut = end < 0
        end = len(head) if is_cut else end
        line = head[begin:end].rstrip(WHITESPACE)
        begin = end + 1
        if line.strip(WHITESPACE):
            lines.append(line)
            if is_cut and not is_whole:
                return lines, True
    return lines, False


def _are_lines_of_values(lines: list[bytes], is_last_cut: bool) -> bool:
    if any(is_json_object(line) for line in lines):
        return True
    ended = lines[:-1] if is_last_cut else lines
    return bool(ended) and all(is_json_value(line) for line in ended)


def _are_lines(lines: list[bytes]) -> bool:
    first, second = lines[0], lines[1]
    is_complete = [is_json_object(line) for line in lines]
    is_array = first.startswith(b"[")
    if is_array and is_json_value(first):
        return b"{" not in first
    if not all(is_complete) and _begin_with_long_value(lines[is_complete.index(False) :]):
        return False
    if is_complete[0]:
        return True
    if split_values(first) is not None:
        return False
    if any(one and next_one for one, next_one in pairwise(is_complete)):
        return True
    may_be_object = is_complete[1] or not is_array
    return may_be_object and second.startswith(b"{") and not first.endswith(_ENDS_OPEN)


def _begin_with_long_value(lines: list[bytes]) -> bool:
    """Whether the first value spans several lines."""
    text = b"\n".join(lines)
    end = end_of_first_value(text)
    return end is not None and end > len(lines[0]) and is_json_value(text[:end])
