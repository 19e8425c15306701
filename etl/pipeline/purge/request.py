"""What to purge, as the person who purges says it; in `HOME/purge.json` until it is finished.

Once the rows are gone nothing in the warehouse tells any more who the patient was, but file names,
batches and Dagster's storage are still to be searched. The file holds identifiers and is for its
owner only; it is removed at the end.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from etl.atomic import replacing
from etl.errors import PermanentError, UsageFault
from etl.settings import Settings

FILE = "purge.json"


@dataclass(frozen=True, slots=True)
class PurgeRequest:
    """Conditions that a message must all meet; of one condition any value will do.

    `patients` are `SOURCE:ID`; `before` is the first UTC day that stays. `data_models` narrow the
    others. `reason` is kept in the record, so it must hold no value of a patient. `expired` has
    source, data model and the first day that stays, of which any will do; it and
    `quarantined_before` are for retention.
    """

    patients: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    messages: tuple[int, ...] = ()
    before: str = ""
    data_models: tuple[str, ...] = ()
    reason: str = ""
    expired: tuple[tuple[str, str, str], ...] = ()
    quarantined_before: str = ""

    def check(self) -> None:
        """Raise UsageFault unless the request says what to purge."""
        given = (self.patients, self.sources, self.messages, self.before, self.expired)
        if not any((*given, self.quarantined_before)):
            raise UsageFault(
                "Select what to purge: --patient SOURCE:ID, --source ID, --before DATE or --message ID."
            )
        for patient in self.patients:
            source, mark, own = patient.partition(":")
            if not (source and mark and own):
                raise UsageFault(
                    "A patient is named as SOURCE:ID, by the source's ID and the patient's "
                    "identifier; give --patient that way."
                )
            if own.casefold() in self.reason.casefold():
                raise UsageFault(
                    "The reason holds the patient's identifier and would be kept forever; say why "
                    "without it."
                )
        if self.before:
            _check_day(self.before)

    @property
    def selected_by(self) -> str:
        """Names of the conditions given, for the record."""
        given = {
            "patient": self.patients,
            "source": self.sources,
            "before": self.before,
            "message": self.messages,
            "model": self.data_models,
            "retention": self.expired or self.quarantined_before,
        }
        return ", ".join(name for name, values in given.items() if values)

    def to_json(self) -> dict[str, Any]:
        """The request as plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> PurgeRequest:
        """The request that `to_json` gave."""
        values: dict[str, Any] = {
            name: _tuples(value) if isinstance(value, list) else value
            for name, value in content.items()
        }
        return cls(**values)


def _tuples(value: list[Any]) -> tuple[Any, ...]:
    return tuple(_tuples(one) if isinstance(one, list) else one for one in value)


def _check_day(day: str) -> None:
    try:
        date.fromisoformat(day)
    except ValueError:
        raise UsageFault("The date is not of the form YYYY-MM-DD; correct --before.") from None


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
