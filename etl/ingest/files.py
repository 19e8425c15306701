"""Lists and opens what is to be landed: files, folders, globs, objects of a bucket.

A source is opened as a stream of uncompressed bytes; .gz and .zst are recognised by their first
bytes, whatever the name says. Nothing is read into memory whole.
"""

from __future__ import annotations

import glob
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import fsspec
import pyzstd

from etl.errors import PermanentError, TransientError, UsageFault

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
HIDDEN = (".", "_")
UNFINISHED = (".tmp", ".part", ".open", ".crdownload", ".filepart")
BUFFER_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file or object: where it is and by what a change of it is noticed.

    `mtime_ns` is 0 where the store gives an `etag` instead.
    """

    uri: str
    size: int
    mtime_ns: int
    etag: str = ""


def list_sources(paths: Sequence[str], **options: Any) -> Iterator[SourceFile]:
    """Every file below the paths, sorted within each path; hidden and unfinished ones are left out.

    `options` go to the file system of URLs (`anon=True` for a public bucket). Raises UsageFault
    that names every path where nothing is.
    """
    listings = [(path, _list_one(path, options)) for path in paths]
    missing = [path for path, found in listings if found is None]
    if missing:
        raise UsageFault(f"Nothing is at {', '.join(missing)}; check the path.")
    for _, found in listings:
        yield from found or ()


def label_of(uri: str) -> str:
    """A name for a source that tells nothing of it: file names may hold patients' names.

    It is "source" and the first 12 hexadecimal digits of the SHA-256 of the URI or absolute path.
    """
    return f"source {hashlib.sha256(uri.encode()).hexdigest()[:12]}"


def _list_one(path: str, options: dict[str, Any]) -> list[SourceFile] | None:
    if "://" in path:
        return _list_url(path, options)
    local = Path(path).expanduser()
    if local.is_file():
        return [_local(local)]
    if local.is_dir():
        return sorted(_below(local), key=lambda source: source.uri)
    matches = sorted(map(Path, glob.glob(str(local), recursive=True)))  # noqa: PTH207
    if not matches:
        return None
    return [source for match in matches for source in _list_one(str(match), options) or ()]


def _below(folder: Path) -> Iterator[SourceFile]:
    for path in folder.rglob("*"):
        if path.is_file() and _is_wanted(path.relative_to(folder).parts):
            yield _local(path)


def _is_wanted(parts: Iterable[str]) -> bool:
    names = list(parts)
    return not any(name.startswith(HIDDEN) for name in names) and not names[-1].endswith(UNFINISHED)


def _local(path: Path) -> SourceFile:
    status = path.stat()
    return SourceFile(str(path.absolute()), status.st_size, status.st_mtime_ns)


def _list_url(url: str, options: dict[str, Any]) -> list[SourceFile] | None:
    protocol = url.partition("://")[0]
    with _store_errors(url):
        system, root = fsspec.core.url_to_fs(url, **options)
        system.invalidate_cache()
        pattern = any(mark in root for mark in "*?[")
        found = system.glob(root, detail=True) if pattern else system.find(root, detail=True)
    entries = [entry for entry in found.values() if entry.get("type") == "file"]
    prefix = root.rstrip("/")
    wanted = [
        _remote(protocol, entry)
        for entry in entries
        if entry.get("size") and _is_wanted(_relative(entry["name"], prefix))
    ]
    return sorted(wanted, key=lambda source: source.uri) if entries else None


def _relative(name: str, prefix: str) -> list[str]:
    inner = name.removeprefix(prefix).strip("/")
    return (inner or name).rpartition("/")[2:] if not inner else inner.split("/")


def _remote(protocol: str, entry: dict[str, Any]) -> SourceFile:
    modified = entry.get("LastModified") or entry.get("mtime") or entry.get("created")
    mtime_ns = int(modified.timestamp() * 1e9) if isinstance(modified, datetime) else 0
    etag = str(entry.get("ETag") or entry.get("etag") or entry.get("md5Hash") or "").strip('"')
    return SourceFile(f"{protocol}://{entry['name']}", int(entry["size"]), mtime_ns, etag)


@contextmanager
def open_source(source: SourceFile, **options: Any) -> Iterator[BinaryIO]:
    """The uncompressed bytes of a source, as a stream.

    Raises PermanentError when compressed bytes are cut short or damaged: nothing of them is
    landed, so that the whole file can come again.
    """
    with _store_errors(source.uri), _open_raw(source.uri, options) as raw:
        buffered = io.BufferedReader(cast(io.RawIOBase, raw), BUFFER_BYTES)
        with _decompressed(buffered) as stream:
            yield _Told(stream, source.uri)


def _open_raw(uri: str, options: dict[str, Any]) -> Any:
    if "://" not in uri:
        return Path(uri).open("rb", buffering=0)
    return fsspec.open(uri, "rb", **options).open()


def _decompressed(raw: io.BufferedReader) -> IO[bytes]:
    head = raw.peek(4)[:4]
    if head.startswith(GZIP_MAGIC):
        return cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    if head.startswith(ZSTD_MAGIC):
        return cast(IO[bytes], pyzstd.ZstdFile(raw))
    return raw


class _Told(io.RawIOBase):
    """A stream whose errors name the source and hold no data."""

    def __init__(self, stream: IO[bytes], uri: str) -> None:
        self._stream = stream
        self._uri = uri

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """The next bytes, b"" at the end."""
        try:
            return self._stream.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile, pyzstd.ZstdError):
            raise PermanentError(
                f"A compressed source ({label_of(self._uri)}) is cut short or damaged; nothing of it "
                "was landed, send it again whole."
            ) from None


@contextmanager
def _store_errors(uri: str) -> Iterator[None]:
    """Errors of a file system as ours, transient unless access is what is missing."""
    try:
        yield
    except (PermanentError, TransientError, UsageFault):
        raise
    except PermissionError:
        raise PermanentError(
            f"Access to {uri} is refused; check its rights or credentials."
        ) from None
    except FileNotFoundError:
        raise UsageFault(f"Nothing is at {label_of(uri)} any more; check the path.") from None
    except ImportError:
        protocol = uri.partition("://")[0]
        raise UsageFault(
            f"Reading {protocol}:// needs a library that is not installed; "
            "install redox-warehouse with the extra s3, gcs or azure."
        ) from None
    except (OSError, ValueError) as error:
        if "://" not in uri:
            raise
        raise TransientError(
            f"The store of {label_of(uri)} did not answer ({type(error).__name__}); try again."
        ) from None
    except Exception as error:
        if not type(error).__module__.startswith(("botocore", "aiohttp", "aiobotocore")):
            raise
        kind = type(error).__name__
        if kind in ("NoCredentialsError", "PartialCredentialsError"):
            raise PermanentError(
                f"There are no credentials for {label_of(uri)}; set them up."
            ) from None
        raise TransientError(
            f"The store of {label_of(uri)} did not answer ({kind}); try again."
        ) from None
