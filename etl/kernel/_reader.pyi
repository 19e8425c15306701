"""Types of the compiled reader; `_reader.pyx` says what everything is."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
PADDING: int
KEY_BYTES: int
HASH_BYTES: int
ARRAY_MARK: int
REPEAT_MARK: int
Lanes = tuple[int, int]

class Hasher:
    def __init__(self, secret: bytes) -> None: ...
    def root(self) -> tuple[Lanes, Lanes]: ...
    def child(self, path: Lanes, key: bytes) -> Lanes: ...
    def mark(self, path: Lanes, mark: int) -> Lanes: ...
    def place(self, place: Lanes, ordinal: int) -> Lanes: ...
    def leaf(self, path: Lanes, place: Lanes, kind: int, value: bytes) -> Lanes: ...

class Program:
    node_count: int
    grain_count: int
    def __init__(
        self,
        nodes: Sequence[tuple[int, int, int, int, int]],
        keys: Sequence[str],
        grain_depths: Sequence[int],
        secret: bytes,
    ) -> None: ...

class Columns:
    fits: npt.NDArray[np.uint8]
    hashes: npt.NDArray[np.uint64]
    def populated(self) -> list[int]: ...
    def row_count(self, grain: int) -> int: ...
    def messages(self, grain: int) -> npt.NDArray[np.int32]: ...
    def ordinals(self, grain: int) -> tuple[npt.NDArray[np.int32], ...]: ...
    def leaf(self, node: int, read_time: bool = True) -> Any: ...
    def free_values(self) -> list[tuple[int, int, int, int]]: ...
    def count_values(self, wanted: npt.NDArray[np.uint8]) -> Integers: ...
    def count(self, groups: npt.NDArray[np.int32], group_count: int) -> Integers: ...

def read(
    program: Program,
    content: Any,
    offset: Integers,
    length: Integers,
    names: Integers | None = None,
    *,
    is_conformed: bool = False,
    max_depth: int = 128,
) -> Columns: ...
def sniff(
    content: Any, offset: Integers, length: Integers
) -> tuple[Integers, npt.NDArray[np.int32], list[tuple[bytes, bytes]]]: ...
