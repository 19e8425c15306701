"""What tests of the landing land, and what they find in it."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

from etl.landing.store import LandedObject, Landing

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
LINES = b"".join(b'{"n":%d}\n' % number for number in range(500))


def land(landing: Landing, content: bytes, **options: Any) -> LandedObject:
    return landing.land(io.BytesIO(content), uri="file.ndjson", **options)


def list_files(landing: Landing) -> list[str]:
    return sorted(
        path.relative_to(landing.root).as_posix()
        for path in landing.root.rglob("*")
        if path.is_file()
    )
