"""The landing store: immutable received bytes, known by the hash of their content.

`landing/ab/<object_id>.zst` holds the bytes (seekable zstd), `<object_id>.items.parquet` where each
item is. Both appear whole: written under a temporary name, flushed to disk, renamed; the index last,
so an object without an index was never landed. Landing the same content twice gives the same object.
In place, only the index is kept and bytes are read at their source. Small objects that come together
share a bundle. All is for its owner only.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from etl.errors import DiskFull, PermanentError
from etl.framing.form import PLAIN, Form
from etl.framing.frames import PURGED, FrameBatch
from etl.framing.places import Place, find_place
from etl.framing.small_items import SmallItemLimit
from etl.landing.arrival import Arrival, read_block, take_in, take_in_small
from etl.landing.bundle import Bundle, Erasure, Member, Small, write_bundle
from etl.landing.bundles import FEWEST_OBJECTS, Bundles, Collector
from etl.landing.in_place import InPlaceReader, Sources
from etl.landing.index import (
    LandedObject,
    create_private,
    expected_hash,
    sync_file,
    write_index,
)
from etl.landing.own_files import BYTES_NAME, INDEX_NAME, OwnFiles, make_folder, missing
from etl.landing.reader import LandingReader
from etl.landing.seekable import BLOCK_BYTES, SeekableReader
from etl.temporary import claim_folder, clean_leftovers

__all__ = ["PLAIN", "Form", "LandedObject", "Landing", "LandingReader", "Sources"]

MOST_SMALL_ITEMS = 1_000_000


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
        self._own = OwnFiles(root)
        self._bundles = Bundles(root / "bundles")
        self._bundled: set[str] = set()
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
        collector: Collector | None = None,
    ) -> LandedObject:
        """Take a stream in, in one pass and bounded memory; gives the object it is.

        `check_head` is given its first block and may refuse it. With a `collector`, what is small
        is landed when that is sealed.

        Content that is kept already gives the object known before, if it has the same items in this
        form. Raises DiskFull when there is no room; nothing of the object is kept then.
        """
        with _disk_errors():
            make_folder(self._temporary)
            if not self._is_clean:
                self.clean()
            head = read_block(stream)
            if check_head is not None:
                check_head(head)
            is_small = len(head) < BLOCK_BYTES and not in_place
            if is_small and not form.name:
                object_id = hashlib.sha256(head).hexdigest()
                if self._is_kept(object_id):
                    return self.describe(object_id)
            if is_small and collector is not None:
                return self._collect(collector, head, uri=uri, mark=source_mark, form=form)
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
                self._own.settle(folder, landed)
        return landed

    def new_collector(self) -> Collector:
        """Gathers small objects that are to be landed together."""
        return Collector(self._land_together)

    def clean(self) -> int:
        """Remove what processes that are gone have left half done; gives how many leftovers."""
        self._is_clean = True
        return clean_leftovers(self._temporary)

    def has(self, object_id: str) -> bool:
        """True if the object was landed whole."""
        return self._bundles.find(object_id) is not None or self._own.has(object_id)

    def keeps(self, object_id: str, *, in_place: bool) -> bool:
        """True if the object's files are here; where it is in place, its index alone."""
        if found := self._in_bundle(object_id):
            return found[0].bytes_path.is_file()
        return self.has(object_id) and (in_place or self._own.bytes_path(object_id).is_file())

    def describe(self, object_id: str) -> LandedObject:
        """What is known of an object; raises PermanentError when it is not here."""
        if found := self._in_bundle(object_id):
            return found[1].landed
        return self._own.describe(object_id)

    def path_of(self, object_id: str) -> Path:
        """Where the bytes of an object are kept that has files of its own."""
        return self._own.bytes_path(object_id)

    def items(self, object_id: str, start: int = 0, stop: int | None = None) -> FrameBatch:
        """Where items start <= position < stop are."""
        if found := self._in_bundle(object_id):
            return found[0].items_of(found[1], start, stop)
        return self._own.items(object_id, start, stop)

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

    def open_reader(self, object_id: str, instead_of: LandingReader | None = None) -> LandingReader:
        """A reader for many ranges of one object; the caller closes it.

        `instead_of` is closed, or goes on as the new one where both objects are in one bundle.
        """
        found = self._in_bundle(object_id)
        if instead_of is not None:
            if found and (reader := instead_of.turned_to(object_id, *found)):
                return reader
            instead_of.close()
        if found:
            bundle, member = found
            return LandingReader(object_id, bundle.open(), bundle=bundle.name, member=member)
        path = self._own.bytes_path(object_id)
        if path.is_file():
            return LandingReader(object_id, SeekableReader(path))
        landed = self.describe(object_id)
        if not landed.in_place or self._sources is None:
            raise missing(object_id)
        return LandingReader(object_id, InPlaceReader(self._sources, landed))

    def is_unchanged(self, object_id: str) -> bool:
        """Read all bytes of an object and compare them with its hash."""
        if found := self._in_bundle(object_id):
            return object_id in found[0].unchanged()
        expected = expected_hash(self.describe(object_id))
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
        return sorted(self._own.object_ids().union(self._bundles.object_ids()))

    def erase(self, erasures: Mapping[str, Erasure]) -> None:
        """Overwrite items of objects with spaces, or remove the whole objects.

        New files take the places of the old ones, the index last; whoever reads the old ones
        finishes on them. Killed in between, call it again. Bytes that are kept elsewhere stay as
        they are.
        """
        with _disk_errors():
            make_folder(self._temporary)
            with claim_folder(self._temporary) as folder:
                self._bundles.erase(erasures, folder)
            for object_id, erasure in erasures.items():
                with claim_folder(self._temporary) as folder:
                    self._own.erase(object_id, erasure, folder)

    def is_erased(self, object_id: str, positions: Sequence[int]) -> bool:
        """True if all these items are marked as purged."""
        kind = self.items(object_id).kind
        return bool((kind[[position for position in positions if position >= 0]] == PURGED).all())

    def remove(self, object_ids: Iterable[str]) -> None:
        """Forget objects."""
        self.erase({object_id: Erasure({}, is_whole=True) for object_id in object_ids})

    def _collect(
        self, collector: Collector, content: bytes, *, uri: str, mark: str, form: Form
    ) -> LandedObject:
        framer = SmallItemLimit(form.new_framer(), most=self._most_small_items)
        arrival, items = take_in_small(content, framer)
        landed = self._describe_new(arrival, uri=uri, in_place=False, mark=mark, form=form)
        small = Small(content, items, landed)
        if not self.has(landed.object_id):
            return collector.take(small)
        if not self._is_kept(landed.object_id):  # files of its own take the place of damaged ones
            self._land_alone(small)
        return self.describe(landed.object_id)

    def _land_together(self, objects: list[Small]) -> None:
        if len(objects) < FEWEST_OBJECTS:
            for one in objects:
                self._land_alone(one)
            return
        with _disk_errors():
            make_folder(self._bundles.folder)
            with claim_folder(self._temporary) as folder:
                write_bundle(objects, folder, self._bundles.folder)

    def _land_alone(self, one: Small) -> None:
        with _disk_errors(), claim_folder(self._temporary) as folder:
            self._own.land(one, folder)
        self._bundled.discard(one.landed.object_id)

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
            index = files.enter_context(write_index(folder / INDEX_NAME))
            content = None
            if not in_place:
                content = files.enter_context(create_private(folder / BYTES_NAME))
            arrival = take_in(
                head,
                stream,
                index=index,
                content=content,
                framer=SmallItemLimit(form.new_framer(), most=self._most_small_items),
            )
            if content is not None:
                sync_file(content)
            landed = self._describe_new(
                arrival, uri=uri, in_place=in_place, mark=source_mark, form=form
            )
            index.finish(landed)
        return landed

    def _describe_new(
        self, arrival: Arrival, *, uri: str, in_place: bool, mark: str, form: Form
    ) -> LandedObject:
        object_id = self._choose_id(arrival, form)
        return LandedObject(
            object_id=object_id,
            uri=uri,
            size_bytes=arrival.size_bytes,
            item_count=arrival.item_count,
            separator_bytes=arrival.separator_bytes,
            torn_bytes=arrival.torn_bytes,
            in_place=in_place,
            landed_at=self._clock(),
            source_mark=mark,
            form=form.name,
            sha256=arrival.sha256 if object_id != arrival.sha256 else "",
        )

    def _choose_id(self, arrival: Arrival, form: Form) -> str:
        """The hash of the bytes; where they are known with other items, that of bytes and form."""
        if not form.name or not self.has(arrival.sha256):
            return arrival.sha256
        known = self.describe(arrival.sha256)
        if known.form == form.name or known.item_count == arrival.item_count:
            return arrival.sha256
        return hashlib.sha256(f"{arrival.sha256} {form.name}".encode()).hexdigest()

    def _is_kept(self, object_id: str) -> bool:
        """True if bytes and index are here and whole; else what is landed now takes their place.

        What is in place is landed again with its new mark.
        """
        if not self.keeps(object_id, in_place=False):
            return False
        try:
            return self.is_unchanged(object_id)
        except (PermanentError, OSError, EOFError, ValueError):
            return False

    def _in_bundle(self, object_id: str) -> tuple[Bundle, Member] | None:
        """The place of an object in a bundle, unless it has files of its own."""
        found = self._bundles.find(object_id)
        if found is None or object_id in self._bundled:
            return found
        if self._own.has(object_id):
            return None
        self._bundled.add(object_id)
        return found

    @property
    def _temporary(self) -> Path:
        return self.root / "tmp"


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
