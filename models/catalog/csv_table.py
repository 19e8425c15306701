"""Reads the catalog's CSV files into lines that remember where they are.

A line knows its file and number, so that every fault can name them. Merging of a site's overlay
happens here: an overlay line with the same key replaces the packaged one, other lines add.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in a catalog file; `line` counts from 1, the header being line 1."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class CatalogFaults(ValueError):
    """The catalog's files are wrong; `faults` lists everything found in one pass."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        listing = "\n".join(f"  {fault}" for fault in self.faults)
        told = "1 fault; correct it" if len(faults) == 1 else f"{len(faults)} faults; correct them"
        super().__init__(f"The catalog has {told}:\n{listing}")


@dataclass(frozen=True, slots=True)
class Line:
    """One data line of a catalog file."""

    file: str
    number: int
    values: dict[str, str]
    is_site: bool

    def __getitem__(self, column: str) -> str:
        return self.values.get(column, "")

    def fault(self, message: str) -> Fault:
        return Fault(self.file, self.number, message)


@dataclass(frozen=True, slots=True)
class TableFormat:
    """The name, the columns and the key of one catalog file."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        return f"{self.name}.csv"


def packaged_data() -> Traversable:
    """The folder of the packaged, read-only catalog."""
    return files("models.catalog") / "data"


def read_lines(table: TableFormat, overlay: Path | None, faults: list[Fault]) -> list[Line]:
    """Packaged lines overlaid by the site's, in order; what is wrong goes to `faults`."""
    merged: dict[tuple[str, ...], Line] = {}
    for line in _packaged(table, faults):
        _add(table, line, merged, faults)
    seen_in_site: dict[tuple[str, ...], Line] = {}
    for line in _site(table, overlay, faults):
        _add(table, line, seen_in_site, faults)
    merged.update(seen_in_site)
    return list(merged.values())


def unknown_files(tables: Iterable[TableFormat], overlay: Path | None) -> Iterator[Fault]:
    """A CSV file of the site that is no file of the catalog would be read by nobody."""
    names = sorted(table.file for table in tables)
    for path in sorted(overlay.iterdir()) if overlay and overlay.is_dir() else ():
        if path.suffix.lower() != ".csv":
            continue
        if path.name not in names:
            near = get_close_matches(path.name, names, n=1) or names
            yield Fault(str(path), 1, f"is not a file of the catalog, which has {', '.join(near)}")
        elif not path.is_file():
            yield Fault(str(path), 1, "is no file")


def _add(
    table: TableFormat, line: Line, lines: dict[tuple[str, ...], Line], faults: list[Fault]
) -> None:
    key = tuple(line[column] for column in table.key)
    if key in lines:
        faults.append(line.fault(f"repeats the key of line {lines[key].number}"))
        return
    lines[key] = line


def _packaged(table: TableFormat, faults: list[Fault]) -> Iterator[Line]:
    source = packaged_data() / table.file
    yield from _parse(table, source.read_text("utf-8").splitlines(True), table.file, False, faults)


def _site(table: TableFormat, overlay: Path | None, faults: list[Fault]) -> Iterator[Line]:
    path = overlay / table.file if overlay else None
    if path is None or not path.is_file():
        return
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        faults.append(Fault(str(path), 1, "is not UTF-8 text"))
        return
    yield from _parse(table, text.splitlines(True), str(path), True, faults)


def _parse(
    table: TableFormat, text: Iterable[str], file: str, is_site: bool, faults: list[Fault]
) -> Iterator[Line]:
    reader = csv.reader(text)
    header = next(reader, [])
    if not _header_fits(table, header):
        faults.append(Fault(file, 1, f"needs the columns {','.join(table.columns)}"))
        return
    for row in reader:
        if not any(row):
            continue
        if len(row) != len(header):
            message = f"has {len(row)} values for {len(header)} columns"
            faults.append(Fault(file, reader.line_num, message))
            continue
        values = dict(zip(header, [value.strip() for value in row], strict=True))
        yield Line(file, reader.line_num, values, is_site)


def _header_fits(table: TableFormat, header: Sequence[str]) -> bool:
    unknown = set(header) - set(table.columns) - set(table.optional)
    return not unknown and set(table.columns) <= set(header)
