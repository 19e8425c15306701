"""Reads byte ranges of landed objects, wherever their bytes are kept."""

from __future__ import annotations

from etl.landing.bundle import Bundle, Member
from etl.landing.in_place import InPlaceReader
from etl.landing.seekable import SeekableReader


class LandingReader:
    """Reads byte ranges of one landed object, which may be a part of a bundle."""

    def __init__(
        self,
        object_id: str,
        ranges: SeekableReader | InPlaceReader,
        *,
        bundle: str = "",
        member: Member | None = None,
    ) -> None:
        self.object_id = object_id
        self._ranges = ranges
        self._bundle = bundle
        self._start = member.start if member else 0
        self._size_bytes = member.stored_bytes if member else None

    def read(self, offset: int, length: int) -> bytes:
        """Exactly these bytes of the object."""
        return self._ranges.read(self._start + offset, length)

    @property
    def size_bytes(self) -> int:
        """Size of the uncompressed content."""
        return self._ranges.size_bytes if self._size_bytes is None else self._size_bytes

    def turned_to(self, object_id: str, bundle: Bundle, member: Member) -> LandingReader | None:
        """The same open file for another object, if it is in the same bundle."""
        if bundle.name != self._bundle or not isinstance(self._ranges, SeekableReader):
            return None
        return LandingReader(object_id, self._ranges, bundle=bundle.name, member=member)

    def close(self) -> None:
        """Let go of the file."""
        self._ranges.close()
