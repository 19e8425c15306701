"""Where Delta tables are kept: a folder of this machine, or a URL of an object store.

Layout: `<schema>/<table>/` with the Parquet files and `_delta_log/`. A file appears whole under its
final name, or not at all; what a killed process left under another is deleted with old files. In a
folder that is for its owner only, published files are linked, not copied. A folder whose rights let
others read gets copies with these rights, because a link shares the rights of its source.
"""

from __future__ import annotations

import os
import shutil
import stat
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow.fs as pa_fs
from deltalake._internal import DeltaFileSystemHandler

from etl.atomic import own_folder
from etl.errors import UsageFault
from etl.publish.folders import sync_files
from etl.publish.parquet import link_or_copy

LOG = "_delta_log"
_TEMPORARY = "writing-"
_COPY_BYTES = 8 * 2**20
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Place(ABC):
    """The root of the Delta tables of one home."""

    def __init__(self, root: str, options: Mapping[str, str]) -> None:
        self.root = root
        self.options = dict(options)

    def uri_of(self, name: str) -> str:
        """Where a table is, by its qualified name."""
        return f"{self.root}/{name.replace('.', '/')}"

    @abstractmethod
    def tables(self) -> list[str]:
        """Qualified names of what may be tables here, sorted."""

    @abstractmethod
    def put(self, source: Path, name: str, file: str) -> None:
        """Give a table a file, whole, unless it has it; raises FileNotFoundError without a source."""

    @abstractmethod
    def remove(self, name: str, file: str) -> None:
        """Remove a file of a table; none there is no fault."""

    @abstractmethod
    def settle(self, names: list[str]) -> None:
        """Bring what was written for these tables to disk."""

    @contextmanager
    def rights(self) -> Iterator[None]:
        """While it lasts, new files get the rights that readers of this place need."""
        yield


class Folder(Place):
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path.expanduser().absolute()), {})
        if any(one in "%\\" or unicodedata.category(one) in ("Cc", "Cs") for one in self.root):
            raise UsageFault(
                "The path of the target of --to delta has a %, a backslash, a control character or "
                "bytes that are not UTF-8, which Delta tables cannot have; choose another folder."
            )
        self.path = Path(self.root)
        if self.path.exists() and not self.path.is_dir():
            raise UsageFault("The target of --to delta is a file; give a folder or a URL.")
        own_folder(self.path)
        self._mode = stat.S_IMODE(self.path.stat().st_mode)

    @property
    def is_shared(self) -> bool:
        """True if others than the owner may enter."""
        return bool(self._mode & _OTHERS)

    def tables(self) -> list[str]:
        return sorted(
            f"{log.parent.parent.name}.{log.parent.name}" for log in self.path.glob(f"*/*/{LOG}")
        )

    def put(self, source: Path, name: str, file: str) -> None:
        target = self._folder_of(name) / file
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f"{_TEMPORARY}{file}")
        temporary.unlink(missing_ok=True)
        if self.is_shared:
            shutil.copyfile(source, temporary)
            temporary.chmod(0o444 & ~self._umask)
        elif not link_or_copy(source, temporary, source.stat().st_size):
            raise FileNotFoundError
        sync_files([temporary])
        temporary.rename(target)

    def remove(self, name: str, file: str) -> None:
        (self._folder_of(name) / file).unlink(missing_ok=True)

    def settle(self, names: list[str]) -> None:
        folders = [self._folder_of(name) for name in names]
        logs = [path for folder in folders for path in (folder / LOG).iterdir()]
        sync_files([*logs, *(folder / LOG for folder in folders), *folders])

    @contextmanager
    def rights(self) -> Iterator[None]:
        before = os.umask(self._umask)
        try:
            yield
        finally:
            os.umask(before)

    @property
    def _umask(self) -> int:
        return ~self._mode & _OTHERS

    def _folder_of(self, name: str) -> Path:
        return self.path.joinpath(*name.split("."))


class Store(Place):
    """A prefix of an object store; `options` are deltalake's storage options.

    Its handler is used without pyarrow's wrapping, whose newer releases write buffers that it
    refuses.
    """

    def __init__(self, url: str, options: Mapping[str, str]) -> None:
        super().__init__(url.rstrip("/"), options)
        self._files = DeltaFileSystemHandler(self.root, self.options)

    def tables(self) -> list[str]:
        return sorted(
            f"{schema.base_name}.{table.base_name}"
            for schema in self._folders("")
            for table in self._folders(schema.path)
        )

    def _folders(self, path: str) -> list[pa_fs.FileInfo]:
        found = self._files.get_file_info_selector(path, allow_not_found=True)
        return [entry for entry in found if entry.type == pa_fs.FileType.Directory]

    def put(self, source: Path, name: str, file: str) -> None:
        target = self._path_of(name, file)
        if self._size(target) == source.stat().st_size:
            return
        with source.open("rb") as content:
            upload = self._files.open_output_stream(target)
            while block := content.read(_COPY_BYTES):
                upload.write(block)
            upload.close()  # type: ignore[attr-defined]  # only now the object appears

    def remove(self, name: str, file: str) -> None:
        target = self._path_of(name, file)
        if self._size(target) is not None:
            self._files.delete_file(target)

    def settle(self, names: list[str]) -> None:
        """An object store has on disk what it has accepted."""

    def _size(self, path: str) -> int | None:
        (found,) = self._files.get_file_info([path])
        return int(found.size) if found.type == pa_fs.FileType.File else None

    def _path_of(self, name: str, file: str) -> str:
        return f"{name.replace('.', '/')}/{file}"


def place_of(target: str, options: Mapping[str, str]) -> Place:
    """The place that a path or URL names."""
    parts = urlsplit(target)
    if len(parts.scheme) < 2:
        return Folder(Path(target))
    if parts.scheme == "file":
        return Folder(Path(parts.path))
    return Store(target, options)
