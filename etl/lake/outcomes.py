"""What became of the items of units, as rows of a file: what the ledger and numbering need, no rows.

One row per unit, in the order in which messages are numbered; key `unit`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from etl.kernel.run import UnitResult
from etl.kernel.side import SideTables
from etl.lake.work import RunPlan
from etl.records import About

RESULT = pa.schema(
    [
        ("unit", pa.int32()),
        ("status", pa.binary()),
        ("hashes", pa.binary()),
        ("shape", pa.binary()),
        ("received_at_us", pa.binary()),
        ("shapes", pa.string()),
        ("reasons", pa.string()),
        ("about", pa.string()),
    ]
)
"""What an executor answers: arrays as their bytes, the rest as JSON."""
OUTCOMES = RESULT.append(pa.field("runs", pa.string())).append(pa.field("ids", pa.binary()))
"""What is kept of a version: the units too, and the ids of messages that had them before."""
_NO_NUMBERS = np.empty(0, np.int32)
_NO_SIDE = SideTables({}, (), _NO_NUMBERS, _NO_NUMBERS)


def to_row(unit: int, result: UnitResult) -> dict[str, Any]:
    """The row of one unit."""
    about = {item: asdict(about) for item, about in result.about.items()}
    return {
        "unit": unit,
        "status": result.status.tobytes(),
        "hashes": np.ascontiguousarray(result.hashes).tobytes(),
        "shape": result.shape.tobytes(),
        "received_at_us": result.received_at_us.tobytes(),
        "shapes": json.dumps(result.shapes),
        "reasons": json.dumps(result.reasons),
        "about": json.dumps(about),
    }


def from_row(row: Mapping[str, Any]) -> UnitResult:
    """What a row says of a unit; batches and what is beside them are empty."""
    about = json.loads(row["about"])
    return UnitResult(
        status=np.frombuffer(row["status"], np.int8),
        hashes=np.frombuffer(row["hashes"], np.uint64).reshape(-1, 2),
        shape=np.frombuffer(row["shape"], np.int16),
        shapes=tuple((model, variant) for model, variant in json.loads(row["shapes"])),
        reasons={int(item): reason for item, reason in json.loads(row["reasons"]).items()},
        about={int(item): About(**one) for item, one in about.items()},
        received_at_us=np.frombuffer(row["received_at_us"], np.int64),
        batches=(),
        side=_NO_SIDE,
    )


def runs_text(runs: Iterable[RunPlan]) -> str:
    """Runs as JSON."""
    return json.dumps([asdict(run) for run in runs])


def runs_from(text: str) -> tuple[RunPlan, ...]:
    """The runs of `runs_text`."""
    return tuple(RunPlan(**run) for run in json.loads(text))
