"""Opens what a source holds as a stream of uncompressed bytes.

.gz (of any number of members) and .zst (of any number of frames) are recognised by their first
bytes, whatever the name says. Nothing is read into memory whole.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import IO, Any, BinaryIO, cast

import pyzstd

from etl.errors import PermanentError
from etl.ingest.faults import label_of, source_errors

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGICS = (b"\x28\xb5\x2f\xfd", *(bytes([low]) + b"\x2a\x4d\x18" for low in range(0x50, 0x60)))
"""A frame of data, or one of the 16 kinds of frame to be skipped, with which some tools begin."""
BUFFER_BYTES = 2**20

# 31 is what `zstd --ultra --long=31` writes
_ZSTD_OPTIONS: dict[int, int] = {pyzstd.DParameter.windowLogMax: 31}
_DAMAGE = (EOFError, zlib.error, gzip.BadGzipFile, pyzstd.ZstdError)


@contextmanager
def open_unpacked(raw: Any, uri: str) -> Iterator[BinaryIO]:
    """The uncompressed bytes of an open binary file; closes it at the end.

    Reading raises PermanentError when compressed bytes are cut short or damaged: nothing of them
    is landed, so that the whole file can come again.
    """
    with closing(io.BufferedReader(raw, BUFFER_BYTES)) as buffered:
        with source_errors(uri):
            stream = _unpack(buffered)
        with closing(stream):
            yield cast(BinaryIO, _ToldStream(stream, uri))


def _unpack(raw: io.BufferedReader[Any]) -> IO[bytes]:
    head = raw.peek(4)[:4]
    if head.startswith(GZIP_MAGIC):
        return cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    if head.startswith(ZSTD_MAGICS):
        return cast(IO[bytes], pyzstd.ZstdFile(raw, level_or_option=_ZSTD_OPTIONS))
    return raw


class _ToldStream(io.RawIOBase):
    """A stream whose errors name no file and hold no data."""

    def __init__(self, stream: IO[bytes], uri: str) -> None:
        self._stream = stream
        self._uri = uri

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._stream.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a byte of the uncompressed content."""
        with self._errors():
            return self._stream.seek(offset, whence)

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, b"" at the end."""
        with self._errors():
            return self._stream.read(size)

    def readinto(self, buffer: Any, /) -> int:
        part = self.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        with source_errors(self._uri):
            try:
                yield
            except _DAMAGE:
                raise self._damaged() from None

    def _damaged(self) -> PermanentError:
        return PermanentError(
            f"A compressed source ({label_of(self._uri)}) is cut short or damaged; nothing of it "
            "was landed, send it again whole."
        )
