"""Sources as a home sees them: listed and opened with the options its configuration gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO

from etl.errors import RedoxWarehouseError
from etl.sources.files import LeftOut, SourceFile, is_there, label_of, list_sources, open_source
from etl.sources.folders import TROUBLE, Reason

__all__ = ["TROUBLE", "LeftOut", "Reason", "Sources", "label_of", "mark_of"]

Options = Mapping[str, Mapping[str, Any]]


class Sources:
    """Lists and opens files and URLs; `options` are those of the file systems, by protocol."""

    def __init__(self, options: Options, *, home: Path | None = None) -> None:
        """`home` is the home whose own folders are not to be read as input."""
        self._options = options
        self._home = home
        self.left_out: list[LeftOut] = []

    def list(self, paths: Sequence[str], *, take_all: bool = False) -> Iterator[SourceFile]:
        """Every file below the paths; raises UsageFault naming the first where nothing is.

        What is left out is added to `left_out`; with `take_all` kinds of files that hold no
        messages are not.
        """
        local = [path for path in paths if "://" not in path]
        groups = [[*paths]] if len(local) == len(paths) else [[path] for path in paths]
        for group in groups:
            yield from list_sources(
                group,
                leave_out=self.left_out.append,
                home=self._home,
                take_all=take_all,
                **self._for(group[0] if group else ""),
            )

    def open(self, uri: str) -> AbstractContextManager[BinaryIO]:
        """The uncompressed bytes of a source."""
        return open_source(SourceFile(uri, 0, 0), **self._for(uri))

    def is_there(self, url: str) -> bool:
        """True if something is at a URL, without listing it all."""
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
