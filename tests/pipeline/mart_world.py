"""Small messages that say what happened, loaded for real: what the marts are asked on.

`publish` makes a version; `load` is enough where only a few marts are asked, and quicker.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from etl.pipeline.load import load_paths
from etl.pipeline.publish import publish
from etl.publish.stored import Stored
from etl.settings import Settings, read_settings
from tests.pipeline.mart_build import build_marts, opened
from tests.pipeline.small_messages import Message, make_message

A, B = "source-a", "source-b"


def minute(number: int) -> str:
    """An instant of the day of the tests, `number` minutes after midnight UTC."""
    hours, minutes = divmod(number, 60)
    days, hours = divmod(hours, 24)
    return f"2026-03-{2 + days:02}T{hours:02}:{minutes:02}:00.000Z"


class MartWorld:
    """A home to which messages are sent one after the other, a minute apart."""

    def __init__(self, folder: Path, **overrides: Any) -> None:
        self.settings: Settings = read_settings(folder / "home", **overrides)
        self.folder = folder
        self.messages: list[Message] = []
        self.loaded = 0
        self.asked = 0
        self.is_published = False
        self.built = (folder, 0, Stored())

    def send(
        self, event: str, *, model: str = "PatientAdmin", at: int | None = None, **parts: Any
    ) -> None:
        """Add a message; `at` is its minute, else the next."""
        number = len(self.messages) + 1
        moment = minute(number if at is None else at)
        message = make_message(f"log-{number}", event=event, model=model, at=moment, **parts)
        self.messages.append(message)

    def publish(self, messages: Sequence[Message] | None = None) -> MartWorld:
        """Load what was sent, or these, and publish."""
        self.load(messages)
        self.summary = publish(self.settings)
        self.is_published = True
        return self

    def load(self, messages: Sequence[Message] | None = None) -> MartWorld:
        """Load what was sent, or these; the marts that are asked are built when they are."""
        self.loaded += 1
        path = self.folder / f"part-{self.loaded}.ndjson"
        chosen = self.messages if messages is None else messages
        path.write_text("".join(json.dumps(one) + "\n" for one in chosen), "utf-8")
        load_paths(self.settings, [str(path)])
        self.messages = [] if messages is None else self.messages
        return self

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Rows of a query on the published version, else on the marts that it names."""
        with self._opened(query) as connection:
            connection.execute("set timezone = 'UTC'")
            return connection.execute(query).fetchall()

    @contextmanager
    def _opened(self, query: str) -> Iterator[duckdb.DuckDBPyConnection]:
        if self.is_published:
            database = f"{self.summary.folder}/warehouse.duckdb"
            with duckdb.connect(database, read_only=True) as connection:
                yield connection
            return
        self.asked += 1
        folder = self.folder / f"built-{self.asked}"
        names = set(re.findall(r"\b(?:mart|evidence|quality)\.[a-z_]+", query))
        built = None if self._is_known(names) else build_marts(self.settings, folder, names)
        self.built = (folder, self.loaded, built) if built else self.built
        with opened(*self.built[::2]) as connection:
            yield connection

    def _is_known(self, names: set[str]) -> bool:
        _, loaded, built = self.built
        return loaded == self.loaded and names <= built.files.keys()

    def broken(self) -> list[tuple[Any, ...]]:
        """Tests of the marts that are not kept."""
        return self.rows(
            "select mart, test, violations from quality.mart_check where not is_passed"
        )


def patient(*ids: str, previous: Sequence[str] = (), **demographics: Any) -> Message:
    """A patient by identifiers `TYPE:ID`; a bare one is of type MR."""
    found: Message = {"Identifiers": [_identifier(text) for text in ids]}
    if previous:
        found["PreviousIdentifiers"] = [_identifier(text) for text in previous]
    if demographics:
        found["Demographics"] = demographics
    return found


def _identifier(text: str) -> Message:
    kind, mark, number = text.partition(":")
    return {"ID": number, "IDType": kind} if mark else {"ID": kind, "IDType": "MR"}
