"""Writes message bytes to files: format, compression, envelope and line ends.

What the messages are is no business of this module.
"""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

import orjson
import pyzstd

from etl.synth.dials import Compression, Format, Output

GZIP_LEVEL = 6
BOM = b"\xef\xbb\xbf"
EXTENSIONS = {
    Format.NDJSON: "ndjson", Format.ARRAY: "json", Format.PRETTY: "json", Format.SINGLE: "json",
}  # fmt: skip


def open_packed(path: Path, compression: Compression) -> BinaryIO:
    """A binary file that compresses as told; the bytes depend on nothing but the content."""
    if compression is Compression.GZ:
        raw = path.open("wb")
        packed = gzip.GzipFile("", "wb", GZIP_LEVEL, raw, mtime=0)
        packed.myfileobj = raw  # type: ignore[assignment]  # closes the file with the stream
        return cast(BinaryIO, io.BufferedWriter(packed, 2**20))
    if compression is Compression.ZST:
        return cast(BinaryIO, pyzstd.open(path, "wb"))
    return path.open("wb", buffering=2**20)


def wrap(body: bytes, *, output: Output, received_at: str) -> bytes:
    """The row of an envelope around a message, as object or as text."""
    key = orjson.dumps(output.envelope)
    if output.envelope_text:
        body = _as_text(body)
    head = b'{"received_at":%b,"headers":{"content-type":"application/json"},%b:%b}'
    return head % (orjson.dumps(received_at), key, body)


def _as_text(body: bytes) -> bytes:
    """The message as a JSON text; bytes that are no UTF-8 stay as they are."""
    try:
        return orjson.dumps(body.decode())
    except UnicodeDecodeError:
        return body


def indent(body: bytes) -> bytes:
    """A message pretty-printed; bytes that are no JSON stay as they are."""
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2)
    except orjson.JSONDecodeError:
        return body


class Files:
    """The files of one run: `total` messages spread in order over `output.files` files."""

    def __init__(self, folder: Path, *, output: Output, total: int) -> None:
        self._folder, self._output, self._total = folder, output, total
        self._stream: BinaryIO | None = None
        self._opened = 0
        self.paths: list[Path] = []
        self.item = 0
        self.size_bytes = 0
        self._spell: Callable[[bytes], bytes] = (
            indent if output.format in (Format.PRETTY, Format.SINGLE) else lambda body: body
        )

    def write(self, body: bytes, *, position: int, blank_line: bool = False) -> None:
        """Append one message; afterwards `paths[-1]` and `item` say where it is."""
        stream = self._stream
        if stream is None or self._is_next(position):
            stream = self._open_next()
        separator = self._separator()
        text = separator + (self._end if blank_line else b"") + self._spell(body)
        text += b"" if self._output.format is Format.ARRAY else self._end
        stream.write(text)
        self.item += 1
        self.size_bytes += len(text)

    @property
    def _end(self) -> bytes:
        return b"\r\n" if self._output.crlf else b"\n"

    def _is_next(self, position: int) -> bool:
        if self._output.format is Format.SINGLE:
            return True
        return position >= self._total * self._opened // self._output.files

    def _separator(self) -> bytes:
        if self._output.format is not Format.ARRAY:
            return b""
        return b"" if self.item < 0 else b"," + self._end

    def _open_next(self) -> BinaryIO:
        self.close()
        self._opened += 1
        compression = self._output.compression
        name = f"synthetic-{self._opened:05d}.{EXTENSIONS[self._output.format]}"
        path = self._folder / (f"{name}.{compression}" if compression else name)
        self._stream = stream = open_packed(path, compression)
        self.paths.append(path)
        self.item = -1
        if self._output.bom:
            stream.write(BOM)
        if self._output.format is Format.ARRAY:
            stream.write(b"[")
        return stream

    def close(self) -> None:
        """Finish the open file, if any."""
        if self._stream is None:
            return
        if self._output.format is Format.ARRAY:
            self._stream.write(b"]" + self._end)
        self._stream.close()
        self._stream = None
