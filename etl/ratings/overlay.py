"""Writes what pages state into a site's catalog: HOME/catalog/*.csv.

Lines already there stay where they are; a line of the same key is replaced. Each file is written
beside its place and moved there, so that no reader ever sees half of it. The same pages again
leave every file as it was.
"""

from __future__ import annotations

import csv
import errno
import io
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from etl.errors import DiskFull, UsageFault
from etl.ratings.comparison import Comparison, Statement, ValueLine
from models.catalog import formats
from models.catalog.csv_table import TableFormat

Row = dict[str, str]


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
            raise DiskFull(f"The disk is full, {path.name} is as it was; free space.") from error
        reason = (error.strerror or "unknown fault").lower()
        raise UsageFault(
            f"The site's catalog file {path.name} cannot be written ({reason}); "
            f"make the catalog folder of the home writable."
        ) from error


def _write_whole(path: Path, text: str) -> None:
    """Write for the owner only, flush, then move into place."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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
