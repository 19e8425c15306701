"""Recognizes tables that hold messages in a column, which load only when the column is named."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from shlex import quote
from typing import Any, Final

from etl.encodings import MARK_BYTES, UNIT_BYTES, marked_encoding, to_utf8
from etl.errors import PermanentError, UsageFault
from etl.framing.columnar import MAGIC, names_of, read_cells
from etl.framing.delimited import MARK, read_fields, read_names
from etl.sources.envelope_keys import find_key
from etl.sources.envelope_times import RECEIVED_AT_NAMES
from etl.sources.files import label_of
from etl.sources.folders import path_of

_MOST_ROWS: Final = 5
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_JSON_STARTS: Final = (b"{", b"[")
_FIELD: Final = "field"


def refuse_table(head: bytes, uri: str) -> None:
    """Raise UsageFault, with the command to run, where a source is a table with messages in a column.

    `head` are its first bytes, uncompressed.
    """
    if head.startswith(MAGIC):
        raise UsageFault(_sentence(uri, *_find_in_parquet(uri)))
    encoding = marked_encoding(head[:MARK_BYTES])
    if encoding:
        head = to_utf8(head[: len(head) // UNIT_BYTES[encoding] * UNIT_BYTES[encoding]], encoding)
    found = _find_in_rows(head)
    if found is not None:
        raise UsageFault(_sentence(uri, *found))


def _sentence(uri: str, names: Sequence[str], column: str, key: str) -> str:
    """What the source is, and how to load it; `key` is that of an envelope in the column."""
    kind = f"A source ({label_of(uri)}) is a table"
    if not column:
        listed = ", ".join(name for name in names if _NAME.fullmatch(name))
        columns = f"; its columns are {listed}" if listed else ""
        return (
            f"{kind}{columns}; name the one that holds the messages: "
            "`redox-warehouse load --column COLUMN PATH`."
        )
    time = next((name for name in names if _is_time(name)), "")
    options = f"--column {quote(column)}"
    options += f" --received-at {quote(time)}" if time else ""
    options += f" --unwrap {quote(key)}" if key else ""
    return (
        f"{kind} with messages in its column {column}; load it with "
        f"`redox-warehouse load {options} PATH`."
    )


def _is_time(name: str) -> bool:
    plain = name.replace("_", "").replace("-", "").lower()
    return bool(_NAME.fullmatch(name)) and plain in RECEIVED_AT_NAMES


def _find_in_rows(head: bytes) -> tuple[tuple[str, ...], str, str] | None:
    """Names, column and envelope key of a delimited table, None where it shows no messages."""
    text = head.removeprefix(MARK).lstrip()
    header, newline, rest = text.partition(b"\n")
    if not newline or text.startswith(_JSON_STARTS):
        return None
    names, delimiter = read_names(header)
    fields = read_fields(rest, delimiter) if names else []
    if len(fields) != len(names):
        return None
    for name, field in zip(names, fields, strict=True):
        key = _key_of(field.encode("latin-1").decode("utf-8", "replace"))
        if key is not None and _NAME.fullmatch(name):
            return names, name, key
    return None


def _find_in_parquet(uri: str) -> tuple[Sequence[str], str, str]:
    """The same of a Parquet file, which is looked into where it is a local one."""
    path = path_of(uri)
    try:
        if path is None or not path.is_file():
            return (), "", ""
        with path.open("rb") as file:
            names = names_of(file)
            for name in filter(_NAME.fullmatch, names):
                keys = [_key_of(cell) for cell in _first_cells(file, name)]
                found = [key for key in keys if key is not None]
                if found:
                    return names, name, found[0]
    except (PermanentError, OSError):
        return (), "", ""
    return names, "", ""


def _first_cells(file: Any, column: str) -> Iterator[str]:
    try:
        first = next(read_cells(file, column=column, received_at=""), [])
    except UsageFault:  # a column of numbers, times or the like
        return
    for body, _ in first[:_MOST_ROWS]:
        yield body.decode("utf-8", "replace")


def _key_of(field: str) -> str | None:
    """The key that leads from a field to messages, "" where it is one; None where it holds none."""
    found = find_key(json.dumps({_FIELD: field}).encode())
    if not found:
        return None
    return found.removeprefix(_FIELD).removeprefix("[]").removeprefix(".")
