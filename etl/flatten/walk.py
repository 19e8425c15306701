"""Walks one parsed batch along its shape and gives the rows of every table.

Bottom up, an array element has a row exactly when something in it is populated; what is populated
is told to an observer (the population counts), path by path. Times and value sets are looked at by
the caller, which gets every populated leaf once through the same observer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa

from etl.flatten.columns import Integers, Mask, list_layout, without_empty
from models.compile.shapes import Node, NodeKind


@dataclass(slots=True)
class Grain:
    """The rows of one array path (or of the messages): where each row comes from.

    `message` is the index of each row's message in the batch, ascending; `ordinals` holds one
    1-based position per enclosing array, outermost first.
    """

    path: str
    message: Integers
    ordinals: tuple[Integers, ...] = ()

    def __len__(self) -> int:
        return len(self.message)


@dataclass(slots=True)
class Rows:
    """The columns of one table's rows, by path, before rows without content are left out."""

    grain: Grain
    columns: dict[str, pa.Array] = field(default_factory=dict)
    kept: Mask | None = None


class Observer(Protocol):
    """Is told what is populated and may replace a leaf's column by its stored form."""

    def leaf(self, node: Node, column: pa.Array, mask: Mask, grain: Grain) -> pa.Array:
        """A leaf with at least one populated value; gives the column to store."""
        ...

    def populated(self, path: str, mask: Mask, grain: Grain) -> None:
        """An object or array path, or a leaf, with the rows in which it is populated."""
        ...


def walk_batch(struct: pa.StructArray, root: Node, observer: Observer) -> dict[str, Rows]:
    """The rows of every table with content, by array path; "" is the messages' own table."""
    grain = Grain("", np.arange(len(struct), dtype=np.int64))
    walk = _Walk(observer)
    walk.rows[""] = Rows(grain)
    walk.object(struct, root, grain)
    return walk.rows


class _Walk:
    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self.rows: dict[str, Rows] = {}

    def object(self, struct: pa.StructArray, node: Node, grain: Grain) -> Mask | None:
        """The rows in which anything below is populated, None when nowhere."""
        combined: Mask | None = None
        for index, child in enumerate(node.children.values()):
            column = struct.field(index)
            if column.null_count == len(column):
                continue
            mask = self._child(column, child, grain)
            if mask is not None:
                combined = mask if combined is None else combined | mask
        return combined

    def _child(self, column: pa.Array, node: Node, grain: Grain) -> Mask | None:
        if node.kind is NodeKind.LEAF:
            return self._leaf(column, node, grain)
        if node.kind is NodeKind.OBJECT:
            mask = self.object(column, node, grain)
            if mask is not None:
                self.observer.populated(node.path, mask, grain)
            return mask
        return self._array(column, node, grain)

    def _leaf(self, column: pa.Array, node: Node, grain: Grain) -> Mask | None:
        column, mask = without_empty(column)
        if mask is None:
            return None
        stored = self.observer.leaf(node, column, mask, grain)
        rows = self.rows.get(grain.path)
        if rows is None or rows.grain is not grain:
            rows = self.rows[grain.path] = Rows(grain)
        rows.columns[node.path] = stored
        if node.kind is NodeKind.LEAF:
            self.observer.populated(node.path, mask, grain)
        return mask

    def _array(self, column: pa.ListArray, node: Node, grain: Grain) -> Mask | None:
        items, lengths = list_layout(column)
        if len(items) == 0:
            return None
        inner = _inner_grain(node.path, grain, lengths)
        is_scalars = node.kind is NodeKind.SCALARS
        mask = self._leaf(items, node, inner) if is_scalars else self.object(items, node, inner)
        if mask is None:
            return None
        self.observer.populated(node.path, mask, inner)
        rows = self.rows.setdefault(node.path, Rows(inner))
        rows.kept = None if mask.all() else mask
        return _parents_with(mask, lengths)


def _inner_grain(path: str, outer: Grain, lengths: Integers) -> Grain:
    """The rows of an array's elements."""
    parent = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    starts = np.cumsum(lengths) - lengths
    position = np.arange(len(parent), dtype=np.int64) - starts[parent] + 1
    ordinals = tuple(ordinal[parent] for ordinal in outer.ordinals)
    return Grain(path, outer.message[parent], (*ordinals, position))


def _parents_with(mask: Mask, lengths: Integers) -> Mask:
    """The parents that have at least one element in the mask."""
    parent = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    with_content = np.zeros(len(lengths), dtype=np.bool_)
    with_content[parent[mask]] = True
    return with_content


TableColumns = Mapping[str, pa.Array]
