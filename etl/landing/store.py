"""The landing store: immutable received bytes, known by the hash of their content.

`landing/ab/<object_id>.zst` holds the bytes (seekable zstd), `<object_id>.items.parquet` where each
item is. Both appear at once and whole: written under a temporary name, flushed to disk, renamed; the
index last, so an object without an index was never landed. Landing the same content twice gives the
same object. In place, only the index is kept and bytes are read at their source.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from etl.errors import DiskFull, PermanentError
from etl.landing.frames import Account, FrameBatch
from etl.landing.framing import ContentFramer
from etl.landing.seekable import BLOCK_BYTES, SeekableReader, compress_block, seek_table

INDEX_SCHEMA = pa.schema(
    [
        ("offset", pa.int64()),
        ("length", pa.int64()),
        ("kind", pa.int8()),
        ("received_at_us", pa.int64()),
    ]
)
_FACTS = b"landed_object"
_WAITING_BLOCKS = 6


@dataclass(frozen=True, slots=True)
class LandedObject:
    """What is known of a landed object. Sizes in uncompressed bytes; `landed_at` in UTC.

    size_bytes = separator_bytes + torn_bytes + the lengths of all items.
    """

    object_id: str
    uri: str
    size_bytes: int
    item_count: int
    separator_bytes: int
    torn_bytes: int
    in_place: bool
    landed_at: datetime
    source_mark: str = ""


class Sources(Protocol):
    """How to get at the bytes of objects that stay in place."""

    def open(self, uri: str) -> AbstractContextManager[BinaryIO]:
        """The uncompressed bytes of a source."""
        ...

    def mark(self, uri: str) -> str:
        """What changes when the source changes."""
        ...


class LandingReader:
    """Reads byte ranges of one landed object."""

    def __init__(self, object_id: str, ranges: SeekableReader | InPlaceReader) -> None:
        self.object_id = object_id
        self._ranges = ranges

    def read(self, offset: int, length: int) -> bytes:
        """Exactly these bytes of the object."""
        return self._ranges.read(offset, length)

    def close(self) -> None:
        """Let go of the file."""
        self._ranges.close()


class InPlaceReader:
    """Reads a source that was not copied, forward; going back opens it again."""

    def __init__(self, sources: Sources, landed: LandedObject) -> None:
        self._sources = sources
        self._uri = landed.uri
        if sources.mark(landed.uri) != landed.source_mark:
            raise PermanentError(
                f"The source of landed object {landed.object_id[:12]} is gone or has changed since "
                "it was loaded in place; put it back as it was."
            )
        self._open()

    def _open(self) -> None:
        self._opening = self._sources.open(self._uri)
        self._stream = self._opening.__enter__()
        self._at = 0

    def read(self, offset: int, length: int) -> bytes:
        """Exactly these bytes of the object."""
        if offset < self._at:
            self.close()
            self._open()
        while self._at < offset:
            self._at += len(_read_some(self._stream, min(offset - self._at, BLOCK_BYTES)))
        parts = []
        while length:
            part = _read_some(self._stream, length)
            parts.append(part)
            self._at += len(part)
            length -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Close the source."""
        self._opening.__exit__(None, None, None)


def _read_some(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if not data:
        raise PermanentError("A source loaded in place is shorter than it was; put it back.")
    return data


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
    ) -> None:
        self.root = root
        self._sources = sources
        self._clock = clock

    def land(
        self, stream: BinaryIO, *, uri: str, in_place: bool = False, source_mark: str = ""
    ) -> LandedObject:
        """Take a stream in, in one pass and bounded memory; gives the object it is.

        Raises DiskFull when there is no room; nothing of the object is kept then.
        """
        with self._temporary() as folder:
            landed = _Arrival(folder, keeps_bytes=not in_place).take(stream)
            landed = replace(
                landed, uri=uri, in_place=in_place, landed_at=self._clock(), source_mark=source_mark
            )
            if self.has(landed.object_id):
                known = self.describe(landed.object_id)
                if not known.in_place or in_place:
                    return known
            self._settle(folder, landed)
        return landed

    def _settle(self, folder: Path, landed: LandedObject) -> None:
        """Give the files their final names, the index last."""
        home = self._folder_of(landed.object_id)
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_facts(folder / "items.parquet", folder / "index.parquet", landed)
        if not landed.in_place:
            (folder / "bytes.zst").replace(self._bytes_path(landed.object_id))
        (folder / "index.parquet").replace(self._index_path(landed.object_id))
        _sync_folder(home)

    @contextmanager
    def _temporary(self) -> Iterator[Path]:
        folder = self.root / "tmp" / f"{os.getpid()}-{uuid.uuid4().hex}"
        folder.mkdir(parents=True, mode=0o700)
        try:
            yield folder
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskFull(
                    "The disk is full; free space and run the command again, nothing was lost."
                ) from None
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def clean(self) -> int:
        """Remove what processes that are gone have left half done; gives how many leftovers."""
        leftovers = [
            folder
            for folder in (self.root / "tmp").glob("*-*")
            if not Path(f"/proc/{folder.name.partition('-')[0]}").exists()
        ]
        for folder in leftovers:
            shutil.rmtree(folder, ignore_errors=True)
        return len(leftovers)

    def has(self, object_id: str) -> bool:
        """Whether the object was landed whole."""
        return self._index_path(object_id).is_file()

    def describe(self, object_id: str) -> LandedObject:
        """What is known of an object; raises PermanentError when it is not here."""
        facts = json.loads(self._index(object_id).schema_arrow.metadata[_FACTS])
        landed_at = datetime.fromisoformat(facts.pop("landed_at"))
        return LandedObject(**facts, landed_at=landed_at)

    def items(self, object_id: str, start: int = 0, stop: int | None = None) -> FrameBatch:
        """Where items start <= position < stop are."""
        index = self._index(object_id)
        wanted, first = [], 0
        for number in range(index.num_row_groups):
            last = first + index.metadata.row_group(number).num_rows
            if first < (last if stop is None else stop) and last > start:
                wanted.append((first, number))
            first = last
        if not wanted:
            return FrameBatch()
        table = index.read_row_groups([number for _, number in wanted])
        end = None if stop is None else stop - wanted[0][0]
        columns = [column.to_numpy()[start - wanted[0][0] : end] for column in table.columns]
        return FrameBatch(*columns)

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

    def object_ids(self) -> list[str]:
        """All objects, sorted."""
        names = (path.name.partition(".")[0] for path in self.root.glob("??/*.items.parquet"))
        return sorted(names)

    def remove(self, object_id: str) -> None:
        """Forget an object; the index first, so that what is left is no object."""
        self._index_path(object_id).unlink(missing_ok=True)
        self._bytes_path(object_id).unlink(missing_ok=True)

    def _index(self, object_id: str) -> pq.ParquetFile:
        path = self._index_path(object_id)
        if not path.is_file():
            raise _missing(object_id)
        return pq.ParquetFile(path)

    def _folder_of(self, object_id: str) -> Path:
        return self.root / object_id[:2]

    def _bytes_path(self, object_id: str) -> Path:
        return self._folder_of(object_id) / f"{object_id}.zst"

    def _index_path(self, object_id: str) -> Path:
        return self._folder_of(object_id) / f"{object_id}.items.parquet"


def _missing(object_id: str) -> PermanentError:
    return PermanentError(
        f"Landed object {object_id[:12]} is not in the landing folder; restore it from a backup."
    )


class _Arrival:
    """One stream on its way in: hashed, compressed and framed side by side."""

    def __init__(self, folder: Path, *, keeps_bytes: bool) -> None:
        self._folder = folder
        self._keeps_bytes = keeps_bytes
        self._digest = hashlib.sha256()
        self._account = Account()
        self._framer = ContentFramer()
        self._sizes: list[tuple[int, int]] = []
        self._waiting: deque[tuple[Future[bytes], int]] = deque()

    def take(self, stream: BinaryIO) -> LandedObject:
        size_bytes = 0
        index_path = self._folder / "items.parquet"
        with (
            ThreadPoolExecutor(2) as helpers,
            _open_private(self._folder / "bytes.zst") as out,
            _open_private(index_path) as index_file,
            pq.ParquetWriter(index_file, INDEX_SCHEMA, compression="zstd") as index,
        ):
            for block in _blocks(stream):
                size_bytes += len(block)
                hashing = helpers.submit(self._digest.update, block)
                if self._keeps_bytes:
                    self._waiting.append((helpers.submit(compress_block, block), len(block)))
                self._note(self._framer.feed(block), index)
                self._write(out, most_waiting=_WAITING_BLOCKS)
                hashing.result()
            self._note(self._framer.finish(), index)
            self._account.check(self._framer, size_bytes=size_bytes)
            self._write(out, most_waiting=0)
            out.write(seek_table(self._sizes))
            out.flush()
            os.fsync(out.fileno())
        return LandedObject(
            object_id=self._digest.hexdigest(),
            uri="",
            size_bytes=size_bytes,
            item_count=self._account.item_count,
            separator_bytes=self._framer.separator_bytes,
            torn_bytes=self._framer.torn_bytes,
            in_place=not self._keeps_bytes,
            landed_at=datetime.min,
        )

    def _note(self, batch: FrameBatch, index: pq.ParquetWriter) -> None:
        self._account.add(batch)
        if len(batch):
            columns = [batch.offset, batch.length, batch.kind, batch.received_at_us]
            index.write_table(pa.table([pa.array(c) for c in columns], schema=INDEX_SCHEMA))

    def _write(self, out: BinaryIO, *, most_waiting: int) -> None:
        while len(self._waiting) > most_waiting:
            compressing, size = self._waiting.popleft()
            packed = compressing.result()
            self._sizes.append((len(packed), size))
            out.write(packed)


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """Blocks of exactly BLOCK_BYTES, the last one shorter."""
    while True:
        parts, missing = [], BLOCK_BYTES
        while missing:
            part = stream.read(missing)
            if not part:
                break
            parts.append(part)
            missing -= len(part)
        if parts:
            yield b"".join(parts)
        if missing:
            return


def _write_facts(source: Path, target: Path, landed: LandedObject) -> None:
    """The index with the object's facts in its metadata, flushed to disk."""
    facts = asdict(landed) | {"landed_at": landed.landed_at.isoformat()}
    file = pq.ParquetFile(source)
    schema = INDEX_SCHEMA.with_metadata({_FACTS: json.dumps(facts)})
    with _open_private(target) as out:
        with pq.ParquetWriter(out, schema, compression="zstd") as writer:
            for batch in file.iter_batches(batch_size=2**20):
                writer.write_batch(batch.replace_schema_metadata(schema.metadata))
        out.flush()
        os.fsync(out.fileno())


def _open_private(path: Path) -> BinaryIO:
    """A new file that only its owner may read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
