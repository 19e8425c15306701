"""Names of sources: the site's organization, else Meta.Source.Name, with the source id beside it.

A name comes from messages, so it is printed only where it is surely the source's own: the most
frequent name of the source, in at least MIN_NAMED_MESSAGES messages, and made like a name. An
organization is the site's own text and always shown.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from etl.report.names import source_names
from etl.report.views import view_select

MIN_NAMED_MESSAGES = 30
_NAME = re.compile(r"(?=.*[A-Za-z])(?!.*\d{4})[\w][\w .,&'()/+-]{0,63}")
_UUID = re.compile(r"([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SourceLabel:
    """A source as it is shown: `source_id` (or its placeholder), and its name, "" where unknown."""

    source_id: str
    name: str = ""

    @property
    def text(self) -> str:
        """The name with the id beside it, shortened where it is a UUID; the id alone otherwise."""
        return f"{self.name} ({short_id(self.source_id)})" if self.name else self.source_id


def short_id(source_id: str) -> str:
    """The first part of a UUID; any other id whole."""
    return _UUID.sub(r"\1…", source_id)


def is_shown_name(name: str | None, messages: int) -> bool:
    """True if so many messages carry the name, and it is so made, that it is no patient's."""
    return bool(name) and messages >= MIN_NAMED_MESSAGES and bool(_NAME.fullmatch(name or ""))


def read_source_names(connection: duckdb.DuckDBPyConnection, *, newest: int = 0) -> dict[str, str]:
    """Return the names of the sources that have one, by source id.

    Reads tables only, no views; with `newest` only the last so many message ids name sources.
    """
    select = view_select("quality.source")
    if newest:
        recent = (
            "(select * from core.message where message_id > "
            f"(select max(message_id) from core.message) - {int(newest)})"
        )
        select = select.replace("from core.message\n", f"from {recent}\n")
    query = f"select source_id, organization, source_name, named_messages from {select}"
    return {
        source_id: organization or name
        for source_id, organization, name, messages in connection.execute(query).fetchall()
        if organization or is_shown_name(name, messages)
    }


class SourceLabels:
    """Labels sources by name and id; an id that must not be printed gets a placeholder."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._ids = source_names()

    def label(self, source_id: str) -> SourceLabel:
        """How one source is shown; the same id always gets the same placeholder."""
        return SourceLabel(self._ids.show(source_id), self._names.get(source_id, ""))
