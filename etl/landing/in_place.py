"""Objects that stay in place: their bytes are read at their source, which may change or go."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from etl.errors import PermanentError
from etl.landing.index import LandedObject

_STEP_BYTES = 2**20


class Sources(Protocol):
    """How to get at the bytes of objects that stay in place."""

    def open(self, uri: str) -> AbstractContextManager[BinaryIO]:
        """The uncompressed bytes of a source."""
        ...

    def mark(self, uri: str) -> str:
        """What changes when the source changes, "" when it is gone."""
        ...


class InPlaceReader:
    """Reads byte ranges of a source; raises PermanentError when it is gone or has changed.

    Cheap in order. Going back, or far ahead, costs a second reading of what a compressed source
    holds before the range.
    """

    def __init__(self, sources: Sources, landed: LandedObject) -> None:
        self._sources = sources
        self._landed = landed
        self._size_bytes: int | None = None
        if sources.mark(landed.uri) != landed.source_mark:
            raise self._changed()
        self._open()

    def read(self, offset: int, length: int) -> bytes:
        """Exactly these bytes of the object."""
        if offset != self._at:
            self._go_to(offset)
        parts = []
        end = offset + length
        while self._at < end:
            parts.append(self._read_some(end - self._at))
        return b"".join(parts)

    @property
    def size_bytes(self) -> int:
        """Size of the uncompressed content; a compressed source is read to its end for it."""
        if self._stream.seekable() and self._size_bytes is None:
            self._size_bytes = self._measure()
        return self._landed.size_bytes if self._size_bytes is None else self._size_bytes

    def _measure(self) -> int:
        """Read to the end, and begin again."""
        while part := self._stream.read(_STEP_BYTES):
            self._at += len(part)
        size_bytes = self._at
        self.close()
        self._open()
        return size_bytes

    def close(self) -> None:
        """Close the source."""
        self._opening.__exit__(None, None, None)

    def _open(self) -> None:
        self._opening = self._sources.open(self._landed.uri)
        self._stream = self._opening.__enter__()
        self._at = 0

    def _go_to(self, offset: int) -> None:
        if self._stream.seekable():
            self._at = self._stream.seek(offset)
            return
        if offset < self._at:
            self.close()
            self._open()
        while self._at < offset:
            self._read_some(min(offset - self._at, _STEP_BYTES))

    def _read_some(self, size_bytes: int) -> bytes:
        part = self._stream.read(size_bytes)
        if not part:
            raise self._changed()
        self._at += len(part)
        return part

    def _changed(self) -> PermanentError:
        return PermanentError(
            f"The source of landed object {self._landed.object_id[:12]} is missing or has "
            "changed since it was loaded in place; restore it."
        )
