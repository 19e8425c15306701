"""Names that may be printed: a report repeats no text of a message that could be a patient's.

Source ids and event types come from Meta. Only text that looks like an identifier is shown;
anything else becomes a numbered placeholder. A source id has a letter, as any id of Redox has:
digits alone may be a phone number, a date or a social security number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# For Python and DuckDB alike; sql/quality/drift.sql repeats both.
SHOWN_SOURCE = "([0-9][0-9._:-]{0,31})?[A-Za-z][A-Za-z0-9._:-]{0,63}"
SHOWN_EVENT_TYPE = "[A-Za-z][A-Za-z0-9_-]{0,63}"

# The same in SQL, for lists in which all odd names are one: `*`.
SOURCE_SQL = (
    f"case when regexp_full_match(source_id, '{SHOWN_SOURCE}') "
    "or source_id = '' then source_id else '*' end"
)
EVENT_TYPE_SQL = (
    f"case when regexp_full_match(event_type, '{SHOWN_EVENT_TYPE}') "
    "or event_type = '' then event_type else '*' end"
)


@dataclass(frozen=True, slots=True)
class Names:
    """Shows names of one kind; `odd` is said of those that must not be printed."""

    pattern: re.Pattern[str]
    missing: str
    odd: str
    _placeholders: dict[str, str] = field(default_factory=dict)

    def show(self, name: str) -> str:
        """The name, or what stands for it; the same name always gets the same placeholder."""
        if not name:
            return self.missing
        if self.pattern.fullmatch(name):
            return name
        return self._placeholders.setdefault(name, f"({self.odd} {len(self._placeholders) + 1})")


def source_names() -> Names:
    """How source ids are shown."""
    return Names(re.compile(SHOWN_SOURCE), "(no source)", "odd source")


def event_type_names() -> Names:
    """How event types are shown."""
    return Names(re.compile(SHOWN_EVENT_TYPE), "(no event type)", "odd event type")
