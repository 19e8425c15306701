"""What fields mean, in words: each said once in meanings.csv and found by the end of a path.

`*.FirstName` is any path with that ending, `Visit.VisitNumber` one path, `.` the message itself.
`{parent}` in a meaning is what the object or array around the field is called: its line's `called`,
else its meaning. So one line for `*.FirstName` and one for `*.PCP` describe Patient.PCP.FirstName in
every data model: first name of the primary care provider.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from models.catalog.csv_table import Fault, Line
from models.catalog.path_patterns import ANYWHERE

MESSAGE: Final = "."
PARENT: Final = "{parent}"
EVERY_MODEL: Final = "*"
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Words:
    """A line of meanings.csv: what a field means, and what the fields in it call it."""

    meaning: str
    called: str


class Meanings:
    """Finds the line for a path: one of its data model first, then the longest ending."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self._lines = {(line["data_model"], line["path"]): line for line in lines}
        self._words: Mapping[Key, Words] = {
            key: Words(line["meaning"], line["called"] or line["meaning"])
            for key, line in self._lines.items()
        }
        self._used: set[Key] = set()
        self._called: dict[Key, str] = {}

    def meaning_of(self, data_model: str, path: str) -> str:
        """Return what the field at a path means, "" where nothing describes it or what holds it."""
        words = self._find(data_model, path)
        return self._fill(words.meaning, data_model, path) if words else ""

    def unused(self) -> Iterator[Fault]:
        """Yield the packaged lines that describe no field; call it when all fields were asked for.

        A site's line may wait for a field that the site's catalog gains later.
        """
        for key, line in self._lines.items():
            if key not in self._used and not line.is_site:
                yield line.fault(f"path {line['path']} describes no field")

    def _find(self, data_model: str, path: str) -> Words | None:
        for key in _keys(data_model, path):
            if key in self._words:
                self._used.add(key)
                return self._words[key]
        return None

    def _fill(self, text: str, data_model: str, path: str) -> str:
        if PARENT not in text:
            return text
        holder = self._holder(data_model, path.rpartition(".")[0] or MESSAGE)
        return text.replace(PARENT, holder) if holder else ""

    def _holder(self, data_model: str, path: str) -> str:
        key = (data_model, path)
        if key not in self._called:
            words = self._find(data_model, path)
            self._called[key] = self._fill(words.called, data_model, path) if words else ""
        return self._called[key]


def _keys(data_model: str, path: str) -> Iterator[Key]:
    """The keys under which a path may be described, the most specific first."""
    segments = [] if path == MESSAGE else path.split(".")
    endings = (f"{ANYWHERE}{'.'.join(segments[at:])}" for at in range(len(segments)))
    for pattern in (path, *endings):
        yield data_model, pattern
        yield EVERY_MODEL, pattern
