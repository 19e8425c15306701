"""A bundle: many small landed objects in three files, since the disk has to confirm every file.

`landing/bundles/<id>.zst` holds the bytes of the objects one after the other (seekable zstd),
`<id>.items.parquet` where their items are, `<id>.objects.parquet` what is known of each: grain one
row per object. The last of the three is written last; without it the bundle was never landed. The
id is the hash of the bytes that were bundled. A purge gives the files new content, never new names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from etl.framing.frames import FrameBatch, take_slice
from etl.landing.erase import mark_purged, overwrite
from etl.landing.index import (
    LandedObject,
    create_private,
    damage_told,
    expected_hash,
    read_facts,
    read_items,
    sync_file,
    sync_folder,
    write_index,
    write_items,
)
from etl.landing.seekable import BLOCK_BYTES, SeekableReader, write_blocks

OBJECTS_SUFFIX = ".objects.parquet"
_SUFFIXES = (".zst", ".items.parquet", OBJECTS_SUFFIX)
_NEW = "new"
_TEXT, _COUNT = pa.string(), pa.int64()
_OBJECTS = pa.schema(
    [
        pa.field("object_id", _TEXT, nullable=False),
        pa.field("uri", _TEXT, nullable=False),
        pa.field("size_bytes", _COUNT, nullable=False),
        pa.field("item_count", _COUNT, nullable=False),
        pa.field("separator_bytes", _COUNT, nullable=False),
        pa.field("torn_bytes", _COUNT, nullable=False),
        pa.field("landed_at", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("source_mark", _TEXT, nullable=False),
        pa.field("form", _TEXT, nullable=False),
        pa.field("sha256", _TEXT, nullable=False),
        pa.field("kept_sha256", _TEXT, nullable=False),
        pa.field("start", _COUNT, nullable=False),
        pa.field("stored_bytes", _COUNT, nullable=False),
        pa.field("first_item", _COUNT, nullable=False),
    ]
)

_PLACE = ("start", "stored_bytes", "first_item")
_FACTS = attrgetter(*(name for name in _OBJECTS.names if name not in _PLACE))


@dataclass(frozen=True, slots=True)
class Small:
    """A small object in memory: its bytes, its items, what is known of it."""

    content: bytes
    items: FrameBatch
    landed: LandedObject


@dataclass(frozen=True, slots=True)
class Member:
    """An object in a bundle, and from which byte and which item of the bundle on."""

    landed: LandedObject
    start: int
    stored_bytes: int
    first_item: int


@dataclass(frozen=True, slots=True)
class Erasure:
    """What a purge takes from an object: items by position (offset and length), or all of it.

    Position -1 stands for bytes that are no item.
    """

    ranges: Mapping[int, tuple[int, int]]
    forget_uri: bool = False
    is_whole: bool = False


class Bundle:
    """Reads one bundle."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.bytes_path, self._items_path, objects_path = _paths(folder, name)
        with damage_told(objects_path):
            rows = pq.read_table(objects_path, schema=_OBJECTS).to_pylist()
        self.members = {member.landed.object_id: member for member in map(_member_of, rows)}
        self._items: FrameBatch | None = None
        self._unchanged: frozenset[str] | None = None

    @property
    def items(self) -> FrameBatch:
        """Of all objects, with offsets in the bundle."""
        if self._items is None:
            self._items = read_items(self._items_path, 0, None)
        return self._items

    def items_of(self, member: Member, start: int = 0, stop: int | None = None) -> FrameBatch:
        """Items start <= position < stop of one object, with offsets in it."""
        count = member.landed.item_count
        last = count if stop is None else min(stop, count)
        first = member.first_item
        own = take_slice(self.items, first + min(start, last), first + last)
        return FrameBatch(own.offset - member.start, own.length, own.kind, own.received_at_us)

    def unchanged(self) -> frozenset[str]:
        """The objects whose bytes have their hash; all bytes are read, once."""
        if self._unchanged is None:
            with closing(self.open()) as reader:
                self._unchanged = frozenset(
                    name
                    for name, member in self.members.items()
                    if _hash_of(reader, member) == expected_hash(member.landed)
                )
        return self._unchanged

    def open(self) -> SeekableReader:
        """Its bytes; the caller closes it."""
        return SeekableReader(self.bytes_path)

    def erase(self, erasures: Mapping[str, Erasure], folder: Path) -> None:
        """Overwrite items with spaces, drop objects; writes in `folder`, then takes its own place.

        Killed in between, call it again.
        """
        chosen = {name: one for name, one in erasures.items() if name in self.members}
        kept = [
            member
            for name, member in self.members.items()
            if name not in chosen or not chosen[name].is_whole
        ]
        if not kept or not self.bytes_path.is_file():
            remove(self.folder, self.name)
            return
        content_path, items_path, objects_path = _paths(folder, _NEW)
        with create_private(content_path) as content:
            done = overwrite(self.bytes_path, content, [*self._ranges(chosen)])
            sync_file(content)
        items = mark_purged(self.items, self._items_in(chosen))
        facts = replace(read_facts(self._items_path), kept_sha256=done.sha256)
        write_items(items_path, items, facts)
        with closing(SeekableReader(content_path)) as reader:
            _write_objects([_after(member, chosen, reader) for member in kept], objects_path)
        _settle(folder, self.folder, self.name)

    def _ranges(self, erasures: Mapping[str, Erasure]) -> Iterator[tuple[int, int]]:
        for name, erasure in erasures.items():
            member = self.members[name]
            if erasure.is_whole:
                yield member.start, member.stored_bytes
                continue
            for offset, length in erasure.ranges.values():
                yield member.start + offset, length

    def _items_in(self, erasures: Mapping[str, Erasure]) -> Iterator[int]:
        for name, erasure in erasures.items():
            member = self.members[name]
            every = range(member.landed.item_count)
            for item in every if erasure.is_whole else erasure.ranges:
                if item >= 0:
                    yield member.first_item + item


def write_bundle(objects: Sequence[Small], folder: Path, home: Path) -> str:
    """Write objects into files of `folder`, then give these their names in `home`; gives the id."""
    content_path, items_path, objects_path = _paths(folder, _NEW)
    members = _members(objects)
    with create_private(content_path) as content, write_index(items_path) as index:
        write_blocks(content, _blocks(objects))
        sync_file(content)
        for member, one in zip(members, objects, strict=True):
            own = one.items
            offset = own.offset + member.start
            index.write(FrameBatch(offset, own.length, own.kind, own.received_at_us))
        whole = _describe_all(objects)
        index.finish(whole)
    _write_objects(members, objects_path)
    _settle(folder, home, whole.object_id)
    return whole.object_id


def remove(home: Path, name: str) -> None:
    """Remove a bundle; the bytes first, so that none are left without being listed."""
    for path in _paths(home, name):
        path.unlink(missing_ok=True)
    sync_folder(home)


def _members(objects: Iterable[Small]) -> list[Member]:
    members, start, first_item = [], 0, 0
    for one in objects:
        members.append(Member(one.landed, start, len(one.content), first_item))
        start, first_item = start + len(one.content), first_item + len(one.items)
    return members


def _blocks(objects: Iterable[Small]) -> Iterator[bytes]:
    """The bytes of the objects in blocks that end with an object."""
    gathered: list[bytes] = []
    size_bytes = 0
    for one in objects:
        gathered.append(one.content)
        size_bytes += len(one.content)
        if size_bytes >= BLOCK_BYTES:
            yield b"".join(gathered)
            gathered, size_bytes = [], 0
    if size_bytes:
        yield b"".join(gathered)


def _describe_all(objects: Sequence[Small]) -> LandedObject:
    """The bundle as one object, for the head of its index."""
    sha256 = hashlib.sha256()
    for one in objects:
        sha256.update(one.content)
    return LandedObject(
        object_id=sha256.hexdigest(),
        uri="",
        size_bytes=sum(one.landed.size_bytes for one in objects),
        item_count=sum(one.landed.item_count for one in objects),
        separator_bytes=sum(one.landed.separator_bytes for one in objects),
        torn_bytes=sum(one.landed.torn_bytes for one in objects),
        in_place=False,
        landed_at=max(one.landed.landed_at for one in objects),
    )


def _after(member: Member, erasures: Mapping[str, Erasure], reader: SeekableReader) -> Member:
    """What is known of an object after a purge."""
    erasure = erasures.get(member.landed.object_id)
    if erasure is None:
        return member
    kept = _hash_of(reader, member)
    uri = "" if erasure.forget_uri else member.landed.uri
    return replace(member, landed=replace(member.landed, uri=uri, kept_sha256=kept))


def _hash_of(reader: SeekableReader, member: Member) -> str:
    return hashlib.sha256(reader.read(member.start, member.stored_bytes)).hexdigest()


def _write_objects(members: Iterable[Member], path: Path) -> None:
    rows = list(map(_row_of, members))
    columns = [
        pa.array(column, field.type)
        for column, field in zip(zip(*rows, strict=True), _OBJECTS, strict=True)
    ]
    table = pa.Table.from_arrays(columns, schema=_OBJECTS)
    with create_private(path) as file:
        pq.write_table(table, file, compression="zstd")
        sync_file(file)


def _row_of(member: Member) -> tuple[object, ...]:
    """The values of `_OBJECTS`."""
    return *_FACTS(member.landed), member.start, member.stored_bytes, member.first_item


def _member_of(row: dict[str, Any]) -> Member:
    place = {name: row.pop(name) for name in _PLACE}
    return Member(LandedObject(**row, in_place=False), **place)


def _settle(folder: Path, home: Path, name: str) -> None:
    """Give the files of a bundle their final names, that by which it is known last."""
    for path, final in zip(_paths(folder, _NEW), _paths(home, name), strict=True):
        path.replace(final)
    sync_folder(home)


def _paths(folder: Path, name: str) -> tuple[Path, Path, Path]:
    content, items, objects = (folder / f"{name}{suffix}" for suffix in _SUFFIXES)
    return content, items, objects
