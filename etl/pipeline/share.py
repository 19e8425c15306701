"""The kernel: landed items in, staged rows, findings and counts out. Never opens the warehouse.

A share is a run of items that one process flattens. Messages are gathered by shape until a batch is
worth parsing; each batch goes through parse, walk, coerce, check, count and is staged per table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from etl.conform.judge import Judge
from etl.flatten.parse import ParseRefused, one_line, parse_messages
from etl.pipeline.batch import Batch, LoadableMessage, ShapeKey, ShareRows
from etl.pipeline.staging import StagedTable
from models.catalog.records import Catalog
from models.compile.arrow_types import parse_schema
from models.compile.shapes import Shape
from models.tables.plan import WarehousePlan

BATCH_BYTES = 8 * 2**20
GATHERED_BYTES = 64 * 2**20


@dataclass(slots=True)
class _Gathered:
    messages: list[LoadableMessage] = field(default_factory=list)
    size_bytes: int = 0


class ShareFlattener:
    """Flattens messages of any mix of shapes and stages their rows."""

    def __init__(
        self,
        catalog: Catalog,
        plan: WarehousePlan,
        judge: Judge,
        folder: Path,
        nulled: Mapping[str, frozenset[str]] | None = None,
    ) -> None:
        self._judge = judge
        self._rows = ShareRows(catalog, plan, folder, nulled or {})
        self._gathered: dict[ShapeKey, _Gathered] = {}
        self._gathered_bytes = 0
        self._schemas: dict[ShapeKey, pa.Schema] = {}
        self.refused: list[int] = []

    def add(self, message: LoadableMessage) -> None:
        """Take one message; batches are flattened as they fill."""
        gathered = self._gathered.setdefault(message.shape, _Gathered())
        gathered.messages.append(message)
        gathered.size_bytes += len(message.line)
        self._gathered_bytes += len(message.line)
        if gathered.size_bytes >= BATCH_BYTES:
            self._flush(message.shape)
        elif self._gathered_bytes >= GATHERED_BYTES:
            self._flush(max(self._gathered, key=lambda key: self._gathered[key].size_bytes))

    def finish(self) -> tuple[StagedTable, ...]:
        """Flatten what is left and stage counts and findings; gives what was staged."""
        for shape in list(self._gathered):
            self._flush(shape)
        return self._rows.finish()

    def _flush(self, key: ShapeKey) -> None:
        gathered = self._gathered.pop(key)
        self._gathered_bytes -= gathered.size_bytes
        self._flatten(gathered.messages, self._judge.shapes(key[0]).variant(key[1]))

    def _flatten(self, messages: list[LoadableMessage], shape: Shape) -> None:
        key = (shape.data_model, shape.variant)
        if key not in self._schemas:
            self._schemas[key] = parse_schema(shape)
        try:
            struct = parse_messages([one_line(m.line) for m in messages], self._schemas[key])
        except ParseRefused:
            if len(messages) == 1:
                self.refused.append(messages[0].message_id)
                return
            middle = len(messages) // 2
            self._flatten(messages[:middle], shape)
            self._flatten(messages[middle:], shape)
            return
        Batch(self._rows, messages, struct, shape).stage()
