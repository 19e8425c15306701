"""Which things views of schema evidence list, and from which paths, from `data/items.csv` and
`data/columns.csv`.

An item is one kind of thing. Its columns name paths below a place, in the order in which they are
looked for: the first that the place has fills the column; without any it is null everywhere.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

EVIDENCE = "evidence"
_BETWEEN = " | "


@dataclass(frozen=True, slots=True)
class ColumnPaths:
    """A column of a view: its type in SQL, the paths that fill it."""

    name: str
    kind: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One kind of thing.

    A place is one of these `keys` that has the leaf or array `marker` below it, unless its path begins
    with one of `but_not`, and of these data models where any are named. `alt_codes` are arrays of
    further codes, `codes` columns with the code of one system each; `first_of` are columns with a leaf
    of the first element of an array.
    """

    view: str
    comment: str
    keys: tuple[str, ...]
    marker: tuple[str, ...]
    columns: tuple[ColumnPaths, ...]
    models: tuple[str, ...]
    but_not: tuple[str, ...]
    alt_codes: tuple[str, ...]
    codes: tuple[tuple[str, str], ...]
    first_of: tuple[tuple[str, str, str], ...]


@cache
def read_items() -> tuple[Item, ...]:
    """Every kind of thing, with its columns."""
    return tuple(_item(line) for line in _lines("items.csv"))


@cache
def read_columns(view: str) -> tuple[ColumnPaths, ...]:
    """The columns of a view of schema evidence, in order."""
    return tuple(
        ColumnPaths(line["column"], line["type"], _split(line["paths"]))
        for line in _lines("columns.csv")
        if f"{EVIDENCE}.{line['view']}" == view
    )


def _item(line: dict[str, str]) -> Item:
    view = f"{EVIDENCE}.{line['view']}"
    return Item(
        view,
        line["comment"],
        _split(line["keys"]),
        _split(line["marker"]),
        read_columns(view),
        models=_split(line["models"]),
        but_not=_split(line["but_not"]),
        alt_codes=_split(line["alt_codes"]),
        codes=tuple(_pair(text) for text in _split(line["codes"])),
        first_of=tuple(_triple(text) for text in _split(line["first_of"])),
    )


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split(_BETWEEN)) if text else ()


def _pair(text: str) -> tuple[str, str]:
    name, system = text.split("=")
    return name, system


def _triple(text: str) -> tuple[str, str, str]:
    name, array, leaf = text.split("=")
    return name, array, leaf


def _lines(name: str) -> Iterator[dict[str, str]]:
    text = files("etl.marts").joinpath("data", name).read_text("utf-8")
    yield from csv.DictReader(text.splitlines())
