"""Reads what to ask: request files (JSON, NDJSON, folders of them) and a table of parameters.

Faults are collected as text and name files and rows by number: names and cells may identify
patients. Nothing is filled or checked here.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

LINE_ENDINGS = frozenset({".ndjson", ".jsonl"})
REQUEST_ENDINGS = LINE_ENDINGS | {".json"}


@dataclass(frozen=True, slots=True)
class Template:
    """One request of a file, perhaps with placeholders; `place` says where it is."""

    place: str
    value: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of parameters; `number` counts the rows below the header from 1."""

    number: int
    cells: dict[str, str] = field(repr=False)


def read_templates(paths: Iterable[Path], faults: list[str]) -> list[Template]:
    """Every request of the files and folders, in order; what is wrong is added to `faults`."""
    templates = []
    for number, file in enumerate(_list_files(paths, faults), start=1):
        for item, value in enumerate(_read_file(file, number, faults), start=1):
            place = f"request {item} of file {number}"
            if isinstance(value, dict):
                templates.append(Template(place, value))
            else:
                faults.append(f"{place} is not a JSON object")
    if not templates and not faults:
        faults.append("no request was found in the files given")
    return templates


def read_table(file: Path, faults: list[str]) -> list[Row]:
    """The rows of a CSV file (UTF-8, header line); what is wrong is added to `faults`."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            return _check_rows(csv.reader(lines, strict=True), faults)
    except OSError:
        faults.append("the table cannot be opened")
    except UnicodeDecodeError:
        faults.append("the table is not UTF-8 text")
    except csv.Error:
        faults.append("the table is not well-formed CSV")
    return []


def _check_rows(lines: Iterator[list[str]], faults: list[str]) -> list[Row]:
    header = next(lines, [])
    if not header or len(set(header)) < len(header) or "" in header:
        faults.append("the table needs a header line of different, non-empty names")
        return []
    rows = []
    for number, cells in enumerate((cells for cells in lines if cells), start=1):
        if len(cells) != len(header):
            faults.append(f"row {number} of the table has {len(cells)} cells, not {len(header)}")
            continue
        rows.append(Row(number, dict(zip(header, cells, strict=True))))
    return rows


def _list_files(paths: Iterable[Path], faults: list[str]) -> Iterator[Path]:
    for number, path in enumerate(paths, start=1):
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.suffix in REQUEST_ENDINGS)
            yield from (file for file in found if file.is_file())
        elif path.is_file():
            yield path
        else:
            faults.append(f"path {number} of the call does not exist")


def _read_file(file: Path, number: int, faults: list[str]) -> list[Any]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError:
        faults.append(f"file {number} cannot be opened")
        return []
    except UnicodeDecodeError:
        faults.append(f"file {number} is not UTF-8 text")
        return []
    if file.suffix in LINE_ENDINGS:
        numbered = [(at, line) for at, line in enumerate(text.split("\n"), start=1) if line.strip()]
        parsed = [_parse(line, f"line {at} of file {number}", faults) for at, line in numbered]
        return [value for values in parsed for value in values]
    values = _parse(text, f"file {number}", faults)
    return values[0] if values and isinstance(values[0], list) else values


def _parse(text: str, place: str, faults: list[str]) -> list[Any]:
    """The value in a list, or an empty list and a fault."""
    try:
        return [json.loads(text, parse_constant=_refuse_constant, parse_float=_read_float)]
    except (ValueError, RecursionError):
        faults.append(f"{place} is not JSON")
        return []


def _read_float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse_constant(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)
