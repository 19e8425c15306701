"""The numbers that a home has given, wherever they are recorded.

Load ids, message ids and ids in quarantine are never given twice, because analysts may have noted
them: not even when the warehouse that gave them is lost.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

from etl.errors import PermanentError
from etl.pipeline.status import read_status
from etl.publish.folders import PublishedFolder
from etl.publish.manifest import MANIFEST, read_manifest
from etl.settings import Settings
from etl.warehouse import identity, ledger
from etl.warehouse.identity import way_to_continue
from models.tables.plan import SLICE_BITS

MESSAGES = "core.message"


@dataclass(frozen=True, slots=True)
class Floor:
    """Numbers that may have been given, wherever one is recorded; new ones are above."""

    load_id: int = 0
    message_id: int = 0
    quarantine_id: int = 0

    def raised(self, other: Floor) -> Floor:
        """The higher of both, number by number."""
        return Floor(
            max(self.load_id, other.load_id),
            max(self.message_id, other.message_id),
            max(self.quarantine_id, other.quarantine_id),
        )


def recorded_numbers(settings: Settings) -> Floor:
    """The highest numbers that anything beside the warehouse records."""
    floor = Floor()
    for note in identity.notes_of(settings.home).values():
        for one in (note.done, note.intent) if note else ():
            if one is not None:
                own = Floor(one.load_id, one.next_message_id, one.quarantine_id)
                floor = floor.raised(own)
    with suppress(PermanentError):
        status = read_status(settings.status_path) or {}
        loads = [int(load["load_id"]) for load in status.get("recent_loads", ())]
        given = Floor(max(loads, default=0), int(status.get("next_message_id") or 0))
        floor = floor.raised(given)
    for folder in published_versions(settings):
        floor = floor.raised(_published_numbers(folder))
    return floor


def published_versions(settings: Settings) -> list[Path]:
    """The folders of all published versions."""
    folder = PublishedFolder(settings.published_path)
    return [folder.folder_of(number) for number in folder.numbers()]


def _published_numbers(folder: Path) -> Floor:
    """Message ids are known by their slices, which is enough: gaps are allowed."""
    manifest = read_manifest(folder / MANIFEST)
    if manifest is None:
        return Floor()
    files = manifest.tables.get(MESSAGES)
    slices = [int(part.part) for part in files.parts if part.part.isdigit()] if files else []
    message_id = (max(slices) + 1) << SLICE_BITS if slices else 0
    return Floor(manifest.load_ids.last, message_id)


def require_newest(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Raise PermanentError if a published version was made of a newer warehouse than this one."""
    ours = ledger.next_load_id(connection) - 1
    theirs = max(
        (_published_numbers(folder).load_id for folder in published_versions(settings)), default=0
    )
    if theirs > ours:
        raise PermanentError(
            f"Parts of the home come from different times (the warehouse ends at load {ours}, a "
            f"published version at load {theirs}); restore the newer warehouse, or "
            f"{way_to_continue(settings.home)}."
        )
