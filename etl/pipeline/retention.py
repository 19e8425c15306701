"""What is older than the site keeps it: messages, quarantine, published versions, reports.

Counting changes nothing. Messages and items in quarantine are removed as a purge removes them, with
one publication and one rewriting of the warehouse for all of them together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from etl.pipeline.load import LOCK_WAIT_S, Loader
from etl.pipeline.purge.request import PurgeRequest
from etl.pipeline.purge.run import Removed, purge
from etl.publish.folders import PublishedFolder
from etl.publish.manifest import MANIFEST, read_manifest
from etl.sections import RetentionSettings
from etl.settings import Settings
from etl.warehouse.connection import open_warehouse, read_lock, write_lock

REASON = "older than retention.messages_days or retention.quarantine_days"
EVERYTHING = "*"
READ_WAIT_S = 60.0
_GROUPS = """
select source_id, data_model, min(day) from quality.message_count group by all order by all
"""


@dataclass(frozen=True, slots=True)
class RetentionSummary:
    """What is too old, and whether it was removed. `messages` has one line per source and model."""

    is_applied: bool
    rules: tuple[tuple[str, str, str], ...]
    removed: Removed
    versions: tuple[int, ...]
    reports: int

    def to_json(self) -> dict[str, Any]:
        """The summary as plain data."""
        return asdict(self)


def retain(loader: Loader, *, apply: bool, now: datetime | None = None) -> RetentionSummary:
    """Count what is too old, and remove it if asked to. Days are UTC."""
    settings, at = loader.settings, now or loader.clock()
    keep = settings.retention
    request = _request(settings, at.date())
    removed = Removed()
    if request is not None:
        removed = purge(loader, request, dry_run=not apply).removed
    versions = tuple(_old_versions(settings, at)) if keep.versions_days else ()
    reports = list(_old_reports(settings, at)) if keep.reports_days else []
    if apply:
        _remove(settings, versions, reports)
    rules = request.expired if request else ()
    return RetentionSummary(apply, rules, removed, versions, len(reports))


def _request(settings: Settings, today: date) -> PurgeRequest | None:
    """What to purge, None where nothing is too old or nothing is set."""
    keep = settings.retention
    quarantined = _day(today, keep.quarantine_days) if keep.quarantine_days else ""
    expired = tuple(_expired(settings, today)) if keep.messages_days else ()
    if not settings.warehouse_path.exists() or not (expired or quarantined):
        return None
    return PurgeRequest(expired=expired, quarantined_before=quarantined, reason=REASON)


def _expired(settings: Settings, today: date) -> Iterator[tuple[str, str, str]]:
    """Sources and data models with messages that are too old, and the first day that stays."""
    path = settings.warehouse_path
    if not path.exists():
        return
    with (
        read_lock(path, wait_s=READ_WAIT_S),
        open_warehouse(path, read_only=True) as connection,
    ):
        groups = connection.execute(_GROUPS).fetchall()
    for source_id, data_model, first_day in groups:
        days = days_of(settings.retention, source_id, data_model)
        if days and first_day < today - timedelta(days=days):
            yield source_id, data_model, _day(today, days)


def days_of(keep: RetentionSettings, source_id: str, data_model: str) -> int:
    """For how many days messages of a source and data model are kept, 0 for ever."""
    names = (f"{source_id}: {data_model}", source_id, data_model, EVERYTHING)
    return next((keep.messages_days[name] for name in names if name in keep.messages_days), 0)


def _day(today: date, days: int) -> str:
    return (today - timedelta(days=days)).isoformat()


def _old_versions(settings: Settings, at: datetime) -> Iterator[int]:
    """Versions that are too old; never the newest or the current one."""
    folder = PublishedFolder(settings.published_path)
    oldest = at - timedelta(days=settings.retention.versions_days)
    for number in folder.numbers()[:-1]:
        manifest = read_manifest(folder.folder_of(number) / MANIFEST)
        if manifest and datetime.fromisoformat(manifest.created_at) < oldest:
            yield number


def _old_reports(settings: Settings, at: datetime) -> Iterator[Path]:
    oldest = at - timedelta(days=settings.retention.reports_days)
    for path in sorted(settings.reports_path.glob("*")):
        if path.is_file() and datetime.fromtimestamp(path.stat().st_mtime, UTC) < oldest:
            yield path


def _remove(settings: Settings, versions: tuple[int, ...], reports: list[Path]) -> None:
    folder = PublishedFolder(settings.published_path.resolve())
    if versions:
        with write_lock(folder.root / "publish", wait_s=LOCK_WAIT_S):
            folder.remove(number for number in versions if number in folder.numbers())
    for path in reports:
        path.unlink(missing_ok=True)
