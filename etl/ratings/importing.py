"""Imports saved pages: read, understand, compare, and write when asked.

Lines go to a site's catalog, HOME/catalog/*.csv. Lines already there stay where they are; a line of
the same key is replaced. Each file is written beside its place and moved there, so that no reader
ever sees half of it. The same pages again leave every file as it was.
"""

from __future__ import annotations

import csv
import errno
import io
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from etl.atomic import own_folder
from etl.errors import DiskFull, UsageFault
from etl.ratings.compare import compare_lists
from etl.ratings.pages import find_files, read_page
from etl.ratings.records import Comparison, FieldList, Refusal, Statement, ValueLine
from etl.ratings.understand import PageReader
from models.catalog import Catalog, CatalogFaults, formats, read_catalog
from models.catalog.csv_table import TableFormat
from models.catalog.rating_share import RatingShare, rating_share
from models.catalog.records import Expectation

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import understood and did.

    `refused` are field lists that were read but are not used, `refusals` files that hold none
    (`left_out`: those only found in a folder), `written` the catalog files that changed, `shares`
    what is rated of each data model named, with what these pages state.
    """

    comparisons: tuple[Comparison, ...]
    refused: tuple[FieldList, ...]
    refusals: tuple[Refusal, ...]
    left_out: tuple[Refusal, ...]
    notes: tuple[Refusal, ...]
    written: tuple[Path, ...]
    shares: tuple[tuple[str, RatingShare], ...] = ()

    @property
    def is_clean(self) -> bool:
        """True if something was understood and nothing was refused."""
        return bool(self.comparisons) and not self.refused and not self.refusals


def import_pages(paths: Sequence[Path], *, overlay: Path, write: bool) -> ImportReport:
    """Read saved pages and compare them with the catalog; complete the overlay if `write`.

    Raises UsageFault when the catalog itself is faulty. Pages that are refused change nothing.
    """
    catalog = read_site_catalog(overlay)
    reader = PageReader(catalog)
    found: list[FieldList | Refusal] = []
    left_out, notes = [], []
    for file in find_files(paths):
        page = read_page(file.path, file.name)
        results = [page] if isinstance(page, Refusal) else reader.read(page)
        others = [one for one in results if isinstance(one, Refusal) and one.is_other]
        left_out += [] if file.is_asked else others
        found += [one for one in results if file.is_asked or one not in others]
        notes += [] if isinstance(page, Refusal) else [Refusal(page.name, n) for n in page.notes]
    lists = [one for one in found if isinstance(one, FieldList)]
    comparisons = compare_lists([one for one in lists if not one.refused], catalog)
    return ImportReport(
        comparisons=tuple(comparisons),
        refused=tuple(one for one in lists if one.refused),
        refusals=tuple(one for one in found if isinstance(one, Refusal)),
        left_out=tuple(left_out),
        notes=tuple(notes),
        written=tuple(write_overlay(overlay, comparisons)) if write else (),
        shares=tuple(_shares(catalog, comparisons)),
    )


def _shares(
    catalog: Catalog, comparisons: Sequence[Comparison]
) -> Iterator[tuple[str, RatingShare]]:
    """What is rated of each data model of the pages, their own statements included."""
    stated = [
        Expectation(
            one.data_model, one.event_type, one.path, one.required, one.rating, False, one.source
        )
        for comparison in comparisons
        for one in comparison.statements
    ]
    after = replace(catalog, expectations=(*catalog.expectations, *stated))
    for name in sorted({comparison.field_list.data_model for comparison in comparisons}):
        yield name, rating_share(after, name)


def read_site_catalog(overlay: Path) -> Catalog:
    """The packaged catalog with a site's lines; raises UsageFault listing every fault."""
    try:
        return read_catalog(overlay)
    except CatalogFaults as error:
        listing = "; ".join(str(fault) for fault in error.faults[:20])
        raise UsageFault(f"The site's catalog is not valid ({listing}); correct it.") from error


def write_overlay(overlay: Path, comparisons: Iterable[Comparison]) -> list[Path]:
    """Write all statements and values; gives the files that changed."""
    found = list(comparisons)
    expectations = [_expectation_row(one) for each in found for one in each.statements]
    values = [_value_row(one) for each in found for one in each.values]
    tables = ((formats.EXPECTATIONS, expectations), (formats.VALUE_SETS, values))
    return [path for table, rows in tables if (path := _write_table(overlay, table, rows))]


def _expectation_row(one: Statement) -> Row:
    return {
        "data_model": one.data_model,
        "event_type": one.event_type,
        "path": one.path,
        "required": "yes" if one.required else "",
        "rating": one.rating or "",
        "basis": "documented",
        "source": one.source,
    }


def _value_row(one: ValueLine) -> Row:
    return {
        "value_set": one.value_set,
        "kind": one.kind,
        "value": one.value,
        "note": "",
        "source": one.source,
    }


def _write_table(overlay: Path, table: TableFormat, rows: Sequence[Row]) -> Path | None:
    path = overlay / table.file
    before = _read_text(path)
    after = merge_rows(before, table, rows)
    if not rows or after == before:
        return None
    _replace(path, after)
    return path


def merge_rows(before: str, table: TableFormat, rows: Sequence[Row]) -> str:
    """The text of a catalog file with `rows` in it: same keys replaced, new ones sorted last."""
    reader = csv.DictReader(io.StringIO(before, newline=""))
    header = list(reader.fieldnames or table.columns)
    merged: dict[tuple[str, ...], Row] = {}
    for line in reader:
        merged[_key(table, line)] = {name: line[name] or "" for name in header}
    new = {_key(table, row): row for row in rows}
    merged.update((key, new[key]) for key in sorted(new))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(merged.values())
    return text.getvalue()


def _key(table: TableFormat, row: Row) -> tuple[str, ...]:
    return tuple((row.get(column) or "").strip() for column in table.key)


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageFault(
            f"The site's catalog file {path.name} cannot be read; make it readable UTF-8 text."
        ) from error


def _replace(path: Path, text: str) -> None:
    try:
        _write_whole(path, text)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"The disk is full and {path.name} is unchanged; free space.") from error
        reason = (error.strerror or "unknown fault").lower()
        raise UsageFault(
            f"The site's catalog file {path.name} cannot be written ({reason}); "
            f"make the catalog folder of the home writable."
        ) from error


def _write_whole(path: Path, text: str) -> None:
    """Write for the owner only, flush, then move into place."""
    own_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
