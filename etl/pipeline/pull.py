"""The pull: plan what to ask, ask what is missing, hand the replies over to the load.

Here is the order; `etl.pull` asks. The same replies always make the same file: name and content
follow from them alone. So handing them over again after a crash replaces the file, or brings back
bytes that landing already knows.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from etl.atomic import own_folder
from etl.errors import UsageFault, WarehouseBusy
from etl.framing.segments import MAGIC, encode_record
from etl.pipeline.catalog_cache import site_catalog
from etl.pull.journal import SPOOL_NAME, Journal, read_answered
from etl.pull.plan import list_queries, plan_requests, tell_faults
from etl.pull.records import KeptReply, PullSummary, Request
from etl.pull.requests import read_table, read_templates
from etl.pull.run import check_login, list_missing, run_pull
from etl.pull.spool import storage_fault
from etl.settings import Settings
from models.catalog import Catalog, CatalogFaults

__all__ = [
    "PullPlan",
    "PullRequest",
    "PullSummary",
    "check_pull_login",
    "list_days",
    "plan_pull",
    "pull",
    "recover_pull",
]
CLOSED_SUFFIX = ".seg"
PART_NAME = ".pull.part"
"""One pull runs per home, so one name is enough; the next pull overwrites what a crash left."""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """What to ask: files of requests, a table of parameters, days.

    A request answered under the same `partition` and day is not asked again; with `retry_errors`
    those are whose reply listed errors.
    """

    files: tuple[Path, ...]
    table: Path | None = None
    days: tuple[date, ...] = ()
    partition: str = ""
    retry_errors: bool = False


@dataclass(frozen=True, slots=True)
class PullPlan:
    """What a pull would do: counts only. `least_s` is how long the rate limit makes it take."""

    planned: int
    landed_before: int
    to_ask: int
    least_s: float
    queries: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """The plan as JSON values."""
        return asdict(self)


def list_days(since: date, until: date) -> tuple[date, ...]:
    """Every day from `since` to `until`, both included; raises UsageFault when there is none."""
    if until < since:
        raise UsageFault("The last day is before the first; give --since and --until in order.")
    return tuple(since + timedelta(days=at) for at in range((until - since).days + 1))


def plan_pull(settings: Settings, request: PullRequest) -> PullPlan:
    """Tell what `pull` would ask; sends nothing, needs no login. Raises UsageFault."""
    requests = _plan(settings, request)
    answered = {key: errors for key, _, errors in read_answered(_folder(settings))}
    missing = list_missing(requests, answered, retry_errors=request.retry_errors)
    windows = max(len(missing) - 1, 0) // settings.pull.rate_limit
    return PullPlan(
        planned=len(requests),
        landed_before=len(requests) - len(missing),
        to_ask=len(missing),
        least_s=windows * settings.pull.rate_window_s,
        queries=dict(Counter(f"{one.data_model} {one.event_type}" for one in missing)),
    )


def pull(settings: Settings, request: PullRequest) -> PullSummary:
    """Ask what has no reply yet; on return every reply is in HOME/incoming.

    Raises UsageFault with all faults of the request at once, WarehouseBusy when another pull of
    the home runs, TransientError or PermanentError when Redox refuses or does not answer.
    """
    requests = _plan(settings, request)
    with _open_journal(settings) as journal:
        return run_pull(
            requests, journal=journal, settings=settings.pull, retry_errors=request.retry_errors
        )


def recover_pull(settings: Settings) -> int:
    """Hand over the replies that a killed pull kept; returns how many, 0 while a pull runs."""
    spool = _folder(settings) / SPOOL_NAME
    if not spool.exists() or spool.stat().st_size == 0:
        return 0
    try:
        with _open_journal(settings) as journal:
            return journal.recovered
    except WarehouseBusy:
        return 0  # the running pull hands over itself


def check_pull_login(settings: Settings) -> None:
    """Get a token from Redox and do nothing else; raises what is wrong."""
    check_login(settings.pull)


def _plan(settings: Settings, request: PullRequest) -> list[Request]:
    faults: list[str] = []
    of_table: list[str] = []
    templates = read_templates(request.files, faults)
    rows = read_table(request.table, of_table) if request.table else []
    faults += of_table
    if not of_table:  # without its columns every placeholder would be one more fault
        requests = plan_requests(
            templates,
            queries=list_queries(_catalog(settings)),
            rows=rows,
            days=request.days,
            partition=request.partition,
            faults=faults,
        )
    if faults:
        raise UsageFault(f"The requests cannot be sent ({tell_faults(faults)}); correct them.")
    return requests


def _catalog(settings: Settings) -> Catalog:
    try:
        return site_catalog(settings)
    except CatalogFaults as error:
        raise UsageFault(str(error)) from error


@contextmanager
def _open_journal(settings: Settings) -> Iterator[Journal]:
    sink = partial(write_segment, folder=settings.incoming_path)
    with Journal(
        _folder(settings),
        sink=sink,
        segment_bytes=settings.pull.segment_bytes,
        segment_age_s=settings.pull.segment_age_s,
    ) as journal:
        yield journal


def _folder(settings: Settings) -> Path:
    return settings.home / "pull"


def write_segment(replies: Iterable[KeptReply], folder: Path) -> None:
    """Write the replies as one segment, in order; durable under its final name on return.

    Raises DiskFull or PermanentError, and leaves no file under a final name then.
    """
    try:
        own_folder(folder)
        part = folder / PART_NAME
        name = _write_part(part, replies)
        part.rename(folder / name)
        _sync_folder(folder)
    except OSError as error:
        raise storage_fault(error) from error


def _write_part(part: Path, replies: Iterable[KeptReply]) -> str:
    """Write the content and give the name it gets: time of the first reply, then its hash."""
    digest = hashlib.sha256()
    first_at_us: int | None = None
    opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(MAGIC)
        for reply in replies:
            first_at_us = reply.received_at_us if first_at_us is None else first_at_us
            record = encode_record(reply.received_at_us, reply.body)
            digest.update(record)
            file.write(record)
        file.flush()
        os.fsync(file.fileno())
    first_at = datetime.fromtimestamp((first_at_us or 0) / 1e6, UTC)
    return f"{first_at:%Y%m%dT%H%M%S%fZ}-{digest.hexdigest()[:16]}{CLOSED_SUFFIX}"


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
