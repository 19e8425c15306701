"""Opens what a source holds as a stream of uncompressed bytes.

.gz (of any number of members) and .zst (of any number of frames) are recognised by their first
bytes, whatever the name says. Nothing is read into memory whole.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, BinaryIO, Final, Protocol, cast

import pyzstd

from etl.errors import PermanentError
from etl.sources.faults import label_of, source_errors

GZIP_MAGICS: Final = (b"\x1f\x8b",)
ZSTD_MAGICS: Final = (
    b"\x28\xb5\x2f\xfd",
    *(bytes([low]) + b"\x2a\x4d\x18" for low in range(0x50, 0x60)),
)
"""A frame of data, or one of the 16 kinds of frame to be skipped, with which some tools begin."""
BUFFER_BYTES = 2**20

# 31 is what `zstd --ultra --long=31` writes
_ZSTD_OPTIONS: dict[int, int] = {pyzstd.DParameter.windowLogMax: 31}
_GZIP_WINDOW = 31  # the largest window, with the header and checksum of gzip
_DAMAGE = (zlib.error, pyzstd.ZstdError)
_MAGIC_BYTES = 4


class UnpackedStream(io.RawIOBase):
    """A stream whose errors name no file and hold no data.

    `fault` says, once the stream is read to its end, why not all of the source could be read; ""
    when all could.
    """

    fault = ""

    def __init__(self, raw: io.BufferedReader[Any], uri: str) -> None:
        self._raw = raw
        self._uri = uri

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._raw.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a byte of the uncompressed content."""
        with source_errors(self._uri):
            return self._raw.seek(offset, whence)

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, b"" at the end."""
        with source_errors(self._uri):
            return self._raw.read(size)

    def readinto(self, buffer: Any, /) -> int:
        part = self.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)


@contextmanager
def open_unpacked(raw: Any, uri: str) -> Iterator[BinaryIO]:
    """The uncompressed bytes of an open binary file; closes it at the end.

    Compressed bytes that are cut short, or have other bytes behind them, are read as far as they
    go, and `fault_of` says so. Reading raises PermanentError when they are damaged:
    nothing says then which of them are right.
    """
    with closing(io.BufferedReader(raw, BUFFER_BYTES)) as buffered:
        with source_errors(uri):
            head = buffered.peek(_MAGIC_BYTES)[:_MAGIC_BYTES]
        if head.startswith(GZIP_MAGICS):
            yield cast(BinaryIO, _PackedStream(buffered, uri, _Gzip))
        elif head.startswith(ZSTD_MAGICS):
            yield cast(BinaryIO, _PackedStream(buffered, uri, _Zstd))
        else:
            yield cast(BinaryIO, UnpackedStream(buffered, uri))


def fault_of(stream: BinaryIO) -> str:
    """Why not all of a source could be read that is read to its end; "" when all could."""
    return str(getattr(stream, "fault", ""))


class _Part(Protocol):
    """One gzip member or zstd frame; ended when `rest` is not None: the bytes behind it."""

    magics: tuple[bytes, ...]
    rest: bytes | None

    def unpack(self, packed: bytes) -> bytes:
        """Take packed bytes, none for more of what they hold."""
        ...

    def needs_input(self) -> bool: ...


class _Gzip:
    magics: tuple[bytes, ...] = GZIP_MAGICS

    def __init__(self) -> None:
        self.rest: bytes | None = None
        self._object = zlib.decompressobj(_GZIP_WINDOW)
        self._waiting = b""

    def unpack(self, packed: bytes) -> bytes:
        unpacked = self._object.decompress(self._waiting + packed, BUFFER_BYTES)
        self._waiting = self._object.unconsumed_tail
        if self._object.eof:
            self.rest = self._object.unused_data
        return unpacked

    def needs_input(self) -> bool:
        return not self._waiting


class _Zstd:
    magics: tuple[bytes, ...] = ZSTD_MAGICS

    def __init__(self) -> None:
        self.rest: bytes | None = None
        self._object = pyzstd.ZstdDecompressor(None, _ZSTD_OPTIONS)

    def unpack(self, packed: bytes) -> bytes:
        unpacked: bytes = self._object.decompress(packed, BUFFER_BYTES)
        if self._object.eof:
            self.rest = self._object.unused_data
        return unpacked

    def needs_input(self) -> bool:
        return bool(self._object.needs_input)


class _PackedStream(UnpackedStream):
    """The content of members or frames one after the other."""

    def __init__(
        self, raw: io.BufferedReader[Any], uri: str, new_part: Callable[[], _Part]
    ) -> None:
        super().__init__(raw, uri)
        self._new_part = new_part
        self._part = new_part()
        self._unpacked = self._waiting = b""  # content not read yet, packed bytes not taken yet
        self._at = 0
        self._is_ended = False

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a byte counted from the start; reads what is before it."""
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation
        if offset < self._at:
            super().seek(0)
            self._part = self._new_part()
            self._unpacked = self._waiting = b""
            self._at, self._is_ended, self.fault = 0, False, ""
        while self._at < offset and self.read(min(offset - self._at, BUFFER_BYTES)):
            pass
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, b"" at the end."""
        if size < 0:
            return b"".join(iter(lambda: self.read(BUFFER_BYTES), b""))
        with source_errors(self._uri):
            try:
                while not self._unpacked and not self._is_ended:
                    self._unpack_more()
            except _DAMAGE:
                raise self._damaged() from None
        part, self._unpacked = self._unpacked[:size], self._unpacked[size:]
        self._at += len(part)
        return part

    def _unpack_more(self) -> None:
        packed, self._waiting = self._waiting, b""
        if not packed and self._part.needs_input():
            packed = self._raw.read1(BUFFER_BYTES)
            if not packed:
                self._end("is cut short")
                return
        self._unpacked = self._part.unpack(packed)
        if self._part.rest is not None:
            self._begin_part(self._part.rest)

    def _begin_part(self, rest: bytes) -> None:
        """Go on with the bytes behind a part: another one, padding, or what cannot be read."""
        while len(rest) < _MAGIC_BYTES and (more := self._raw.read1(BUFFER_BYTES)):
            rest += more
        while rest and not rest.strip(b"\0"):  # as tapes and tar pad
            rest = self._raw.read1(BUFFER_BYTES)
        if not rest:
            self._is_ended = True
        elif rest.startswith(self._part.magics):
            self._part = self._new_part()
            self._waiting = rest
        else:
            self._end("has uncompressed bytes after its end")

    def _end(self, reason: str) -> None:
        self._is_ended = True
        self.fault = (
            f"A compressed source ({label_of(self._uri)}) {reason}; what could be read was loaded; "
            "send it again in full."
        )

    def _damaged(self) -> PermanentError:
        return PermanentError(
            f"A compressed source ({label_of(self._uri)}) is damaged; nothing of it was loaded; "
            "send it again in full."
        )
