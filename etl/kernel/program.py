"""Compiles a shape of the catalog into a program of the reader, and what its nodes stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntFlag

from etl.kernel._reader import Program
from models.compile.shapes import Node, NodeKind, Shape
from models.tables.plan import Storage

EVENT_TYPE, DATA_MODEL, LOG_IDS = "Meta.EventType", "Meta.DataModel", "Meta.Logs[].ID"
LOGS = "Meta.Logs[]"


class Flag(IntFlag):
    """What a leaf is to the content hash and to the message's identity; as in the reader."""

    NONE = 0
    VOLATILE_ALWAYS = 1
    VOLATILE_WITH_LOG = 2
    LOG_ID = 4
    IS_MODEL = 8
    IS_EVENT = 16
    HOLDS_VOLATILE = 32


_KINDS = {NodeKind.OBJECT: 0, NodeKind.OBJECTS: 1, NodeKind.SCALARS: 2, NodeKind.LEAF: 3}
_STORAGES = {
    Storage.TEXT: 0,
    Storage.JSON: 1,
    Storage.BOOLEAN: 2,
    Storage.INTEGER: 3,
    Storage.DOUBLE: 4,
    Storage.MONEY: 5,
    Storage.DATE: 6,
    Storage.TIMESTAMP: 7,
}
_FLAGS = {LOG_IDS: Flag.LOG_ID, DATA_MODEL: Flag.IS_MODEL, EVENT_TYPE: Flag.IS_EVENT}


@dataclass(frozen=True, slots=True)
class ShapeProgram:
    """A compiled shape. `nodes` are in the order of the reader's numbers, node 0 the message.

    `grains` are the paths of the arrays whose elements are rows, "" the messages; `grain_of` gives
    the grain that holds a node's column, for arrays the one of their elements.
    """

    shape: Shape
    nodes: tuple[Node, ...]
    grains: tuple[str, ...]
    grain_of: tuple[int, ...]
    reader: Program

    @property
    def key(self) -> tuple[str, int]:
        """Data model and variant."""
        return self.shape.data_model, self.shape.variant


def compile_program(shape: Shape, volatile: frozenset[str], secret: bytes) -> ShapeProgram:
    """The program of a shape; `secret` keys the content hash."""
    layout = _Layout(volatile)
    layout.add(shape.root, 0, 0)
    reader = Program(layout.rows, [node.key for node in layout.nodes], layout.depths, secret)
    grain_of = tuple(row[2] for row in layout.rows)
    return ShapeProgram(shape, tuple(layout.nodes), tuple(layout.grains), grain_of, reader)


class _Layout:
    def __init__(self, volatile: frozenset[str]) -> None:
        self.volatile = volatile
        self.above = {path.rpartition(".")[0] for path in volatile}
        self.nodes: list[Node] = []
        self.rows: list[tuple[int, int, int, int, int]] = []
        self.grains = [""]
        self.depths = [0]

    def add(self, node: Node, parent: int, grain: int) -> None:
        """Take a node and all below it, in pre-order."""
        number = len(self.nodes)
        if node.kind in (NodeKind.OBJECTS, NodeKind.SCALARS):
            self.grains.append(node.path)
            self.depths.append(self.depths[grain] + 1)
            grain = len(self.grains) - 1
        storage = _STORAGES[node.storage] if node.storage is not None else 0
        flags = int(self._flags(node.path))
        self.nodes.append(node)
        self.rows.append((_KINDS[node.kind], storage, grain, flags, parent))
        for child in node.children.values():
            self.add(child, number, grain)

    def _flags(self, path: str) -> Flag:
        own = _FLAGS.get(path, Flag.NONE)
        if path in self.volatile:
            is_log = path.startswith(f"{LOGS}.")
            own |= Flag.VOLATILE_ALWAYS if is_log else Flag.VOLATILE_WITH_LOG
        return own | (Flag.HOLDS_VOLATILE if path in self.above else Flag.NONE)


def volatile_keys(paths: frozenset[str]) -> Mapping[tuple[str, ...], Flag]:
    """The delivery-volatile paths as JSON keys, arrays or not, with when they are left out."""
    return {
        tuple(key.removesuffix("[]") for key in path.split(".")): (
            Flag.VOLATILE_ALWAYS if path.startswith(f"{LOGS}.") else Flag.VOLATILE_WITH_LOG
        )
        for path in paths
    }
