"""A change of a lake before it is committed: units with what became of their items, kept as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from etl.kernel.run import UnitResult
from etl.lake.files import write_file
from etl.lake.outcomes import OUTCOMES, from_row, runs_from, runs_text, to_row
from etl.lake.work import Integers, NumberedUnit, RunPlan, UnitPlan, numbered, unit_of
from etl.landing.store import Landing
from etl.pipeline.records import Piece
from etl.pipeline.transaction import Transaction
from etl.pipeline.units import Unit
from etl.warehouse import ledger
from etl.warehouse.lake import OUTCOMES as FOLDER
from etl.warehouse.lake import LakeFolder, LakeVersion

PIECES = b"pieces"
"""Under this name the outcomes keep what was taken of which object, those without items too."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Units with what became of their items; `ids` where their messages have some, as in a reload."""

    units: tuple[Unit, ...]
    plans: tuple[UnitPlan, ...]
    results: tuple[UnitResult, ...]
    started_at: datetime
    pieces: tuple[Piece, ...] = ()
    ids: tuple[Integers, ...] = ()

    def models(self) -> set[str]:
        """The data models of its messages."""
        return {model for result in self.results for model, _ in result.shapes}


def number(
    connection: duckdb.DuckDBPyConnection, transaction: Transaction, pending: Pending
) -> list[NumberedUnit]:
    """Give ids to what is new, unit by unit, in the caller's transaction.

    What others have taken of the pieces of a load meanwhile is left out; a replay has no pieces.
    """
    overtaken = ledger.items_taken(connection) if pending.pieces else {}
    units = []
    for plan, unit, result in zip(pending.plans, pending.units, pending.results, strict=True):
        ids = transaction.take(unit, result, overtaken)
        units.append(numbered(plan, ids, result.hashes))
    return units


def keep(home: Path, pending: Pending) -> str:
    """Write what became of all items into a file; gives its path in the lake."""
    ids: Sequence[bytes | None] = [own.astype(np.int64).tobytes() for own in pending.ids]
    rows = [
        to_row(position, result) | {"runs": runs_text(plan.runs), "ids": own}
        for position, (plan, result, own) in enumerate(
            zip(pending.plans, pending.results, ids or [None] * len(pending.plans), strict=True)
        )
    ]
    facts = {PIECES: runs_text(map(_span_of, pending.pieces))}
    table = pa.Table.from_pylist(rows, schema=OUTCOMES).replace_schema_metadata(facts)
    return write_file(home, FOLDER, table)


def pending_of(lake: LakeFolder, landing: Landing, version: LakeVersion) -> Pending:
    """What a version was made of, from what it keeps and the landing."""
    kept = pq.ParquetFile(lake.path_of(version.outcomes)).read()
    rows = kept.to_pylist()
    plans = tuple(UnitPlan(runs_from(row["runs"])) for row in rows)
    pieces = runs_from(kept.schema.metadata[PIECES].decode())
    ids = [row.get("ids") for row in rows]
    return Pending(
        units=tuple(unit_of(plan, landing) for plan in plans),
        plans=plans,
        results=tuple(from_row(row) for row in rows),
        pieces=tuple(
            Piece(landing.describe(one.object_id), one.unwrap, one.first_item, one.stop_item)
            for one in pieces
        ),
        ids=tuple(np.frombuffer(own, np.int64) for own in ids if own is not None),
        started_at=datetime.fromisoformat(version.started_at),
    )


def _span_of(piece: Piece) -> RunPlan:
    return RunPlan(piece.object_id, piece.unwrap, piece.first_item, piece.stop_item)
