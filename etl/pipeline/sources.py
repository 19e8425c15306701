"""Sources as a home sees them: listed and opened with the options its configuration gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, BinaryIO

from etl.errors import RedoxWarehouseError
from etl.ingest.files import SourceFile, is_there, list_sources, open_source

Options = Mapping[str, Mapping[str, Any]]


class Sources:
    """Lists and opens files and URLs; `options` are those of the file systems, by protocol."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def list(self, paths: Sequence[str]) -> Iterator[SourceFile]:
        """Every file below the paths; raises UsageFault naming the first where nothing is."""
        local = [path for path in paths if "://" not in path]
        if len(local) == len(paths):
            yield from list_sources(paths)
            return
        for path in paths:
            yield from list_sources([path], **self._for(path))

    def open(self, uri: str) -> AbstractContextManager[BinaryIO]:
        """The uncompressed bytes of a source."""
        return open_source(SourceFile(uri, 0, 0), **self._for(uri))

    def is_there(self, url: str) -> bool:
        """Whether something is at a URL, without listing it all."""
        return is_there(url, **self._for(url))

    def mark(self, uri: str) -> str:
        """Size, time and tag of a source; "" when it is gone."""
        try:
            found = list(self.list([uri]))
        except RedoxWarehouseError:
            return ""
        return mark_of(found[0]) if found else ""

    def _for(self, uri: str) -> dict[str, Any]:
        protocol, mark, _ = uri.partition("://")
        return dict(self._options.get(protocol, {})) if mark else {}


def mark_of(source: SourceFile) -> str:
    """What changes when a source changes."""
    return f"{source.size}:{source.mtime_ns}:{source.etag}"
