"""The landing store: immutable received bytes, known by the hash of their content.

`landing/ab/<object_id>.zst` holds the bytes (seekable zstd), `<object_id>.items.parquet` where each
item is. Both appear whole: written under a temporary name, flushed to disk, renamed; the index last,
so an object without an index was never landed. Landing the same content twice gives the same object.
In place, only the index is kept and bytes are read at their source. All is for its owner only.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from etl.errors import DiskFull, PermanentError
from etl.landing.arrival import Arrival, read_block, take_in
from etl.landing.erase import cut_into_groups, mark_purged, overwrite
from etl.landing.frames import PURGED, FrameBatch
from etl.landing.framing import PLAIN, Form
from etl.landing.in_place import InPlaceReader, Sources
from etl.landing.index import (
    ROW_GROUP_ITEMS,
    LandedObject,
    create_private,
    read_facts,
    read_items,
    sync_file,
    sync_folder,
    write_index,
)
from etl.landing.places import Place, find_place
from etl.landing.seekable import BLOCK_BYTES, SeekableReader
from etl.landing.small_items import SmallItemLimit
from etl.temporary import claim_folder, clean_leftovers

__all__ = ["PLAIN", "Form", "LandedObject", "Landing", "LandingReader", "Sources"]

MOST_SMALL_ITEMS = 1_000_000
_BYTES_NAME, _INDEX_NAME = "bytes.zst", "items.parquet"


class LandingReader:
    """Reads byte ranges of one landed object."""

    def __init__(self, object_id: str, ranges: SeekableReader | InPlaceReader) -> None:
        self.object_id = object_id
        self._ranges = ranges

    def read(self, offset: int, length: int) -> bytes:
        """Exactly these bytes of the object."""
        return self._ranges.read(offset, length)

    @property
    def size_bytes(self) -> int:
        """Size of the uncompressed content."""
        return self._ranges.size_bytes

    def close(self) -> None:
        """Let go of the file."""
        self._ranges.close()


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Landing:
    """The landed objects of one home."""

    def __init__(
        self,
        root: Path,
        *,
        sources: Sources | None = None,
        clock: Callable[[], datetime] = _utc_now,
        most_small_items: int = MOST_SMALL_ITEMS,
    ) -> None:
        self.root = root
        self._most_small_items = most_small_items
        self._sources = sources
        self._clock = clock
        self._is_clean = False

    def land(
        self,
        stream: BinaryIO,
        *,
        uri: str,
        in_place: bool = False,
        source_mark: str = "",
        form: Form = PLAIN,
        check_head: Callable[[bytes], None] | None = None,
    ) -> LandedObject:
        """Take a stream in, in one pass and bounded memory; gives the object it is.

        `check_head` is given its first block and may refuse it.

        Content that is kept already gives the object known before, if it has the same items in this
        form. Raises DiskFull when there is no room; nothing of the object is kept then.
        """
        with _disk_errors():
            self._make_folder(self._temporary)
            if not self._is_clean:
                self.clean()
            head = read_block(stream)
            if check_head is not None:
                check_head(head)
            if len(head) < BLOCK_BYTES and not in_place and not form.name:
                object_id = hashlib.sha256(head).hexdigest()
                if self._is_kept(object_id):
                    return self.describe(object_id)
            with claim_folder(self._temporary) as folder:
                landed = self._write(
                    folder,
                    head,
                    stream,
                    uri=uri,
                    in_place=in_place,
                    source_mark=source_mark,
                    form=form,
                )
                if self._is_kept(landed.object_id):
                    return self.describe(landed.object_id)
                self._settle(folder, landed)
        return landed

    def clean(self) -> int:
        """Remove what processes that are gone have left half done; gives how many leftovers."""
        self._is_clean = True
        return clean_leftovers(self._temporary)

    def has(self, object_id: str) -> bool:
        """Whether the object was landed whole."""
        return self._index_path(object_id).is_file()

    def keeps(self, object_id: str, *, in_place: bool) -> bool:
        """Whether the object's files are here; where it is in place, its index alone."""
        return self.has(object_id) and (in_place or self._bytes_path(object_id).is_file())

    def describe(self, object_id: str) -> LandedObject:
        """What is known of an object; raises PermanentError when it is not here."""
        return read_facts(self._find_index(object_id))

    def path_of(self, object_id: str) -> Path:
        """Where the bytes of an object are kept."""
        return self._bytes_path(object_id)

    def items(self, object_id: str, start: int = 0, stop: int | None = None) -> FrameBatch:
        """Where items start <= position < stop are."""
        return read_items(self._find_index(object_id), start, stop)

    def place_of(self, object_id: str, item: int) -> Place:
        """Where the bytes are that hold an item."""
        count = self.describe(object_id).item_count
        return find_place(partial(self.items, object_id), item, item_count=count)

    def read(self, object_id: str, offset: int, length: int) -> bytes:
        """Exactly these bytes of an object."""
        reader = self.open_reader(object_id)
        try:
            return reader.read(offset, length)
        finally:
            reader.close()

    def open_reader(self, object_id: str) -> LandingReader:
        """A reader for many ranges of one object; the caller closes it."""
        path = self._bytes_path(object_id)
        if path.is_file():
            return LandingReader(object_id, SeekableReader(path))
        landed = self.describe(object_id)
        if not landed.in_place or self._sources is None:
            raise _missing(object_id)
        return LandingReader(object_id, InPlaceReader(self._sources, landed))

    def is_unchanged(self, object_id: str) -> bool:
        """Read all bytes of an object and compare them with its hash."""
        landed = self.describe(object_id)
        expected = landed.kept_sha256 or landed.sha256 or object_id
        sha256 = hashlib.sha256()
        reader = self.open_reader(object_id)
        try:
            size_bytes = reader.size_bytes
            for offset in range(0, size_bytes, BLOCK_BYTES):
                sha256.update(reader.read(offset, min(BLOCK_BYTES, size_bytes - offset)))
        finally:
            reader.close()
        return sha256.hexdigest() == expected

    def object_ids(self) -> list[str]:
        """All objects, sorted."""
        names = (path.name.partition(".")[0] for path in self.root.glob(f"??/*.{_INDEX_NAME}"))
        return sorted(names)

    def erase(
        self, object_id: str, ranges: Mapping[int, tuple[int, int]], *, forget_uri: bool = False
    ) -> int:
        """Overwrite items with spaces; gives how many bytes of ours were overwritten.

        `ranges` has offset and length by position, -1 for bytes that are no item. The new files
        take the places of the old ones, the index last; whoever reads the old ones finishes on
        them. Killed in between, call it again. Bytes that are kept elsewhere stay as they are.
        """
        landed = self.describe(object_id)
        if forget_uri:
            landed = replace(landed, uri="")
        erased = 0
        with _disk_errors(), ExitStack() as files:
            self._make_folder(self._temporary)
            folder = files.enter_context(claim_folder(self._temporary))
            if self._bytes_path(object_id).is_file():
                with create_private(folder / _BYTES_NAME) as content:
                    done = overwrite(self._bytes_path(object_id), content, [*ranges.values()])
                    sync_file(content)
                landed, erased = replace(landed, kept_sha256=done.sha256), done.bytes
                (folder / _BYTES_NAME).replace(self._bytes_path(object_id))
            items = mark_purged(self.items(object_id), [item for item in ranges if item >= 0])
            with write_index(folder / _INDEX_NAME) as index:
                for group in cut_into_groups(items, ROW_GROUP_ITEMS):
                    index.write(group)
                index.finish(landed)
            (folder / _INDEX_NAME).replace(self._index_path(object_id))
            sync_folder(self._folder_of(object_id))
        return erased

    def is_erased(self, object_id: str, positions: Sequence[int]) -> bool:
        """True if all these items are marked as purged."""
        kind = self.items(object_id).kind
        return bool((kind[[position for position in positions if position >= 0]] == PURGED).all())

    def remove(self, object_id: str) -> None:
        """Forget an object; the bytes first, so that none are left without being listed."""
        self._bytes_path(object_id).unlink(missing_ok=True)
        self._index_path(object_id).unlink(missing_ok=True)
        if self._folder_of(object_id).is_dir():
            sync_folder(self._folder_of(object_id))

    def _write(
        self,
        folder: Path,
        head: bytes,
        stream: BinaryIO,
        *,
        uri: str,
        in_place: bool,
        source_mark: str,
        form: Form,
    ) -> LandedObject:
        """Write bytes and index under their temporary names."""
        with ExitStack() as files:
            index = files.enter_context(write_index(folder / _INDEX_NAME))
            content = None
            if not in_place:
                content = files.enter_context(create_private(folder / _BYTES_NAME))
            arrival = take_in(
                head,
                stream,
                index=index,
                content=content,
                framer=SmallItemLimit(form.new_framer(), most=self._most_small_items),
            )
            if content is not None:
                sync_file(content)
            object_id = self._choose_id(arrival, form)
            landed = LandedObject(
                object_id=object_id,
                uri=uri,
                size_bytes=arrival.size_bytes,
                item_count=arrival.item_count,
                separator_bytes=arrival.separator_bytes,
                torn_bytes=arrival.torn_bytes,
                in_place=in_place,
                landed_at=self._clock(),
                source_mark=source_mark,
                form=form.name,
                sha256=arrival.sha256 if object_id != arrival.sha256 else "",
            )
            index.finish(landed)
        return landed

    def _choose_id(self, arrival: Arrival, form: Form) -> str:
        """The hash of the bytes; where they are known with other items, that of bytes and form."""
        if not form.name or not self.has(arrival.sha256):
            return arrival.sha256
        known = self.describe(arrival.sha256)
        if known.form == form.name or known.item_count == arrival.item_count:
            return arrival.sha256
        return hashlib.sha256(f"{arrival.sha256} {form.name}".encode()).hexdigest()

    def _is_kept(self, object_id: str) -> bool:
        """Whether bytes and index are here and whole; else what is landed now takes their place.

        What is in place is landed anew with its new mark.
        """
        if not self.keeps(object_id, in_place=False):
            return False
        try:
            return self.is_unchanged(object_id)
        except (PermanentError, OSError, EOFError, ValueError):
            return False

    def _settle(self, folder: Path, landed: LandedObject) -> None:
        """Give the files their final names, the index last: a journal keeps this order."""
        home = self._folder_of(landed.object_id)
        self._make_folder(home)
        if not landed.in_place:
            (folder / _BYTES_NAME).replace(self._bytes_path(landed.object_id))
        (folder / _INDEX_NAME).replace(self._index_path(landed.object_id))
        sync_folder(home)

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.mkdir(exist_ok=True, mode=0o700)
        sync_folder(self.root)

    def _find_index(self, object_id: str) -> Path:
        path = self._index_path(object_id)
        if not path.is_file():
            raise _missing(object_id)
        return path

    @property
    def _temporary(self) -> Path:
        return self.root / "tmp"

    def _folder_of(self, object_id: str) -> Path:
        return self.root / object_id[:2]

    def _bytes_path(self, object_id: str) -> Path:
        return self._folder_of(object_id) / f"{object_id}.zst"

    def _index_path(self, object_id: str) -> Path:
        return self._folder_of(object_id) / f"{object_id}.{_INDEX_NAME}"


def _missing(object_id: str) -> PermanentError:
    return PermanentError(
        f"Landed object {object_id[:12]} is not in the landing folder; restore it from a backup."
    )


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise DiskFull(
            "The disk is full; free space and run the command again, nothing was lost."
        ) from None
