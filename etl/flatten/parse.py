"""Parses conforming messages of one shape into one Arrow struct array."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.json as pj

_LINE_ENDS = bytes.maketrans(b"\r\n", b"  ")


class ParseRefused(ValueError):
    """The columnar parser refuses a message of the batch; its text may hold data and is dropped."""


def one_line(message: bytes) -> bytes:
    """The message without line ends; in valid JSON they are only white space."""
    if b"\n" in message or b"\r" in message:
        return message.translate(_LINE_ENDS)
    return message


def parse_messages(messages: Sequence[bytes], schema: pa.Schema) -> pa.StructArray:
    """One struct per message, in order; raises ParseRefused when any of them does not fit."""
    buffer = b"\n".join(messages) + b"\n"
    try:
        table = pj.read_json(
            pa.BufferReader(buffer),
            read_options=pj.ReadOptions(use_threads=False, block_size=len(buffer) + 1),
            parse_options=pj.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior="error"
            ),
        )
    except pa.ArrowInvalid:
        raise ParseRefused from None
    if table.num_rows != len(messages):
        raise ParseRefused
    columns = [column.combine_chunks() for column in table.columns]
    return pa.StructArray.from_arrays(columns, fields=list(table.schema))
