"""What a purge under way is about, in `HOME/purge.json` until it is finished.

Once the rows are gone nothing in the warehouse tells any more who the patient was, but file names,
batches and Dagster's storage are still to be searched. The file holds identifiers and is for its
owner only; it is removed at the end.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from etl.atomic import replacing
from etl.errors import PermanentError
from etl.pipeline.purge.request import PurgeRequest
from etl.settings import Settings

FILE = "purge.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """A purge under way; `purge_id` is 0 until its transaction is committed.

    `pattern` matches identifiers as text, empty where no patient was named.
    """

    request: PurgeRequest
    started_at: str
    purge_id: int = 0
    pattern: str = ""

    @property
    def regex(self) -> re.Pattern[bytes] | None:
        """The pattern, ready to search bytes with."""
        return re.compile(self.pattern.encode("latin-1")) if self.pattern else None


def write_entry(settings: Settings, entry: Entry) -> None:
    """Note what is under way, durably."""
    content: dict[str, Any] = {
        "request": entry.request.to_json(),
        "started_at": entry.started_at,
        "purge_id": entry.purge_id,
        "pattern": entry.pattern,
    }
    with replacing(settings.home / FILE) as file:
        file.write(json.dumps(content).encode())


def read_entry(settings: Settings) -> Entry | None:
    """The purge that was not finished, None when there is none."""
    path = settings.home / FILE
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text("utf-8"))
        request = PurgeRequest.from_json(content["request"])
        return Entry(request, content["started_at"], content["purge_id"], content["pattern"])
    except (ValueError, KeyError, TypeError):
        raise PermanentError(
            f"{FILE} is damaged, so it is not known what was being purged; delete it and purge again."
        ) from None


def remove_entry(settings: Settings) -> None:
    """Forget what was under way."""
    (settings.home / FILE).unlink(missing_ok=True)


def is_unfinished(settings: Settings) -> bool:
    """True if a purge was killed before its end."""
    return (settings.home / FILE).is_file()
