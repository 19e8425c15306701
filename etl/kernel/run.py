"""The kernel's one function: items in, tables and outcomes out.

What fits the tables as it is goes through the reader alone. What does not is taken apart once by the
exact way and comes back, as a line that fits, through the same reader.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from etl.kernel import _reader
from etl.kernel._reader import PADDING, Columns
from etl.kernel.compiled import Compiled
from etl.kernel.exact import NOT_LOADABLE, Conformed, Refused
from etl.kernel.observe import Place
from etl.kernel.program import ShapeProgram
from etl.kernel.side import Numbers, Side, SideTables
from etl.kernel.tables import Batch, BatchSource, BatchTables
from etl.records import About

Integers = npt.NDArray[np.int64]
ConformAll = Callable[[Sequence[bytes]], list[Conformed | Refused]]


class Status(IntEnum):
    """What became of an item."""

    FITS = 0
    CONFORMED = 1
    QUARANTINED = 2


@dataclass(frozen=True, slots=True)
class Items:
    """A unit of items, in order. `content` is their bytes followed by PADDING others.

    `offset` and `length` in bytes and `received_at_us` (microseconds UTC or NO_TIME) have one value
    per item, as has `fallback_day` (days since 1970), for messages that have none; `reasons` says
    of items, by number, why they are already known not to be loadable.
    """

    content: Any
    offset: Integers
    length: Integers
    received_at_us: Integers
    fallback_day: npt.NDArray[np.int32]
    reasons: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.offset)

    def bytes_of(self, item: int) -> bytes:
        """The bytes of one item."""
        start = int(self.offset[item])
        return bytes(memoryview(self.content)[start : start + int(self.length[item])])


@dataclass(frozen=True, slots=True)
class UnitResult:
    """What the kernel says of a unit.

    Per item: `status`, `hashes` (two uint64, zeros where quarantined), `shape` (an index into
    `shapes`, -1 where quarantined); `reasons` by item for what is quarantined, `about` what such
    items say of themselves. `batches` hold the
    rows of typed tables, `side` what is beside them.
    """

    status: npt.NDArray[np.int8]
    hashes: npt.NDArray[np.uint64]
    shape: npt.NDArray[np.int16]
    shapes: tuple[tuple[str, int], ...]
    reasons: Mapping[int, str]
    about: Mapping[int, About]
    received_at_us: Integers
    batches: tuple[Batch, ...]
    side: SideTables

    def __len__(self) -> int:
        return len(self.status)


def run(items: Items, compiled: Compiled, conform: ConformAll | None = None) -> UnitResult:
    """Read, check, hash and lay out a unit. `conform` is where the exact way runs, here by default."""
    unit = _Unit(items, compiled, conform or compiled.exact.conform_all)
    unit.read_fitting()
    unit.read_others()
    return unit.result()


def identify(items: Items, compiled: Compiled) -> UnitResult:
    """What `run` says of the items themselves, without their rows: outcomes and content hashes.

    Costs about half of `run`. For numbering messages before their rows are made, where rows go
    straight to files that cannot be changed any more.
    """
    unit = _Unit(items, compiled, compiled.exact.conform_all, has_rows=False)
    unit.read_fitting()
    unit.read_others()
    return unit.result()


class _Unit:
    def __init__(
        self, items: Items, compiled: Compiled, conform: ConformAll, *, has_rows: bool = True
    ) -> None:
        count = len(items)
        self.has_rows = has_rows
        self.items = items
        self.compiled = compiled
        self.conform = conform
        self.status = np.full(count, Status.QUARANTINED, np.int8)
        self.hashes = np.zeros((count, 2), np.uint64)
        self.shape = np.full(count, -1, np.int16)
        self.shapes: dict[tuple[str, int], int] = {}
        self.reasons = dict(items.reasons)
        self.about: dict[int, About] = {}
        self.batches: list[Batch] = []
        self.side = Side(compiled.severities)

    def read_fitting(self) -> None:
        """Read each item by the program of the names it seems to have."""
        items = self.items
        too_large = np.flatnonzero(items.length > self.compiled.limits.max_bytes)
        self.reasons |= {item: self.reasons.get(item, "too_large") for item in too_large.tolist()}
        names, group, texts = _reader.sniff(items.content, items.offset, items.length)
        programs = [self.compiled.program_of(model, event) for model, event in texts]
        numbers = {id(program): n for n, program in enumerate(programs) if program}
        by_group = np.asarray([numbers[id(p)] if p else -1 for p in programs] + [-1])
        of_item = by_group[group]
        of_item[list(self.reasons)] = -1
        for number in np.unique(of_item[of_item >= 0]).tolist():
            program = programs[number]
            assert program is not None
            own = np.flatnonzero(of_item == number).astype(np.int32)
            columns = _reader.read(
                program.reader,
                items.content,
                items.offset[own],
                items.length[own],
                names[own],
                max_depth=self.compiled.limits.max_depth,
            )
            self._take(program, columns, own, Status.FITS)
            self.hashes[own] = columns.hashes
            self._lay_out(program, columns, own, memoryview(items.content))

    def read_others(self) -> None:
        """Conform what is left and read the lines that come back."""
        left = [
            item
            for item in np.flatnonzero(self.status == Status.QUARANTINED).tolist()
            if item not in self.reasons
        ]
        if not left:
            return
        answers = self.conform([self.items.bytes_of(item) for item in left])
        by_shape: dict[tuple[str, int], dict[int, Conformed]] = {}
        for item, answer in zip(left, answers, strict=True):
            if isinstance(answer, Refused):
                self.reasons[item] = answer.reason
                if answer.about is not None:
                    self.about[item] = answer.about
                continue
            by_shape.setdefault(answer.shape, {})[item] = answer
            self.hashes[item] = np.frombuffer(answer.content_hash, np.uint64)
        for shape, conformed in by_shape.items():
            self._read_conformed(self.compiled.program(shape), conformed)

    def _read_conformed(self, program: ShapeProgram, conformed: Mapping[int, Conformed]) -> None:
        lines = [own.line for own in conformed.values()]
        content = b"".join([*lines, bytes(PADDING)])
        length = np.asarray([len(line) for line in lines], np.int64)
        items = np.asarray(list(conformed), np.int32)
        columns = _reader.read(
            program.reader, content, np.cumsum(length) - length, length, is_conformed=True
        )
        self._take(program, columns, items, Status.CONFORMED)
        for item in items[columns.fits == 0].tolist():
            self.reasons[item] = NOT_LOADABLE
            self.hashes[item] = 0
        if not self.has_rows:
            return
        kept = {item: conformed[item] for item in items[columns.fits == 1].tolist()}
        for item, own in kept.items():
            self.side.add_aside(item, own.aside)
        forms = frozenset(
            (item, form.path, form.ordinals)
            for item, own in kept.items()
            for form in own.aside.forms
        )
        hidden = {item: own.paths for item, own in kept.items() if own.paths}
        self._lay_out(program, columns, items, memoryview(content), forms, hidden)

    def _take(
        self, program: ShapeProgram, columns: Columns, items: Numbers, status: Status
    ) -> None:
        fitting = items[columns.fits == 1]
        self.status[fitting] = status
        self.shape[fitting] = self.shapes.setdefault(program.key, len(self.shapes))

    def _lay_out(
        self,
        program: ShapeProgram,
        columns: Columns,
        items: Numbers,
        content: memoryview,
        forms: frozenset[Place] = frozenset(),
        hidden: Mapping[int, Counter[str]] | None = None,
    ) -> None:
        if not self.has_rows or not columns.fits.any():
            return
        source = BatchSource(content, self.items.received_at_us, self.items.fallback_day)
        tables = BatchTables(self.compiled, program, columns, items, source, self.side, forms)
        self.batches.append(tables.batch(hidden or {}))

    def result(self) -> UnitResult:
        """Everything, once all items are read."""
        return UnitResult(
            self.status,
            self.hashes,
            self.shape,
            tuple(self.shapes),
            self.reasons,
            self.about,
            self.items.received_at_us,
            tuple(self.batches),
            self.side.finish(),
        )
