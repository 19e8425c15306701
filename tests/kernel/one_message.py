"""The kernel asked about single messages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from etl.kernel._reader import KEY_BYTES, PADDING
from etl.kernel.compiled import Compiled
from etl.kernel.exact import Limits
from etl.kernel.run import Items, Status, UnitResult, run
from etl.kernel.tables import NO_TIME
from models.tables.plan import plan_tables
from tests.packaged import packaged_catalog

CATALOG = packaged_catalog()
SECRET = bytes(range(7, 7 + KEY_BYTES))
COMPILED = Compiled(
    CATALOG, plan_tables(CATALOG), limits=Limits(max_bytes=2**20, max_depth=64), secret=SECRET
)
META = {
    "DataModel": "PatientAdmin",
    "EventType": "Arrival",
    "EventDateTime": "2026-03-01T08:00:00.000Z",
    "Logs": [{"ID": "log-1", "AttemptID": 'attempt "1"'}],
    "Transmission": {"ID": 5},
}


@dataclass(frozen=True)
class Seen:
    """What the kernel says of one message."""

    status: Status
    content_hash: bytes = bytes(16)
    reason: str = ""


def message(meta: dict[str, Any] | None = None, **sections: Any) -> dict[str, Any]:
    """A small visit message."""
    return {"Meta": META | (meta or {}), "Visit": {"VisitNumber": "1"}} | sections


def as_items(messages: Sequence[bytes], between: bytes = b"\n") -> Items:
    """Messages one after the other in one unit."""
    length = np.asarray([len(raw) for raw in messages], np.int64)
    offset = np.cumsum(length + len(between)) - (length + len(between))
    content = between.join([*messages, b""]) + bytes(PADDING)
    times = np.full(len(messages), NO_TIME, np.int64)
    return Items(content, offset, length, times, np.full(len(messages), 20_000, np.int32))


def run_messages(*messages: bytes) -> UnitResult:
    """Run the kernel over messages."""
    return run(as_items(messages), COMPILED)


def see(raw: bytes) -> Seen:
    """What the kernel says of one message."""
    result = run_messages(raw)
    status = Status(int(result.status[0]))
    return Seen(status, result.hashes[0].tobytes(), result.reasons.get(0, ""))


def see_payload(payload: Any, **layout: Any) -> Seen:
    """The same of a payload."""
    return see(json.dumps(payload, **layout).encode())
