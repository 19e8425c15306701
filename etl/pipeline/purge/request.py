"""What to purge, as the person who purges says it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from etl.errors import UsageFault


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
                "Say what to purge: --patient SOURCE:ID, --source ID, --before DATE or --message ID."
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
