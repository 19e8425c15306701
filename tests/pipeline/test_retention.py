"""What is older than it is kept is counted, and removed when asked for; a year leaves the home flat."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from etl.cli.opening import open_loader
from etl.landing.store import Landing
from etl.pipeline.publish import publish
from etl.pipeline.retention import RetentionSummary, days_of, retain
from etl.sections import RetentionSettings
from etl.settings import Settings, read_settings
from tests.pipeline.small_messages import ask, load, make_message

NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
DAYS = {"*": 400, "PatientAdmin": 40, "source-b": 20, "source-b: PatientAdmin": 10}


def kept(folder: Path, **options: object) -> Settings:
    return read_settings(folder / "home", retention=RetentionSettings(**options))  # type: ignore[arg-type]


def run(settings: Settings, *, apply: bool, now: datetime = NOW) -> RetentionSummary:
    with open_loader(settings) as loader:
        return retain(loader, apply=apply, now=now)


def at(day: datetime) -> str:
    return f"{day:%Y-%m-%dT%H:%M:%S.000Z}"


def test_the_narrowest_setting_wins() -> None:
    keep = RetentionSettings(messages_days=DAYS)
    assert days_of(keep, "source-b", "PatientAdmin") == 10
    assert days_of(keep, "source-b", "Results") == 20
    assert days_of(keep, "source-a", "PatientAdmin") == 40
    assert days_of(keep, "source-a", "Results") == 400


def test_what_is_too_old_is_counted_then_removed(tmp_path: Path) -> None:
    settings = kept(tmp_path, messages_days=DAYS, quarantine_days=5, reports_days=1)
    old, new = at(NOW - timedelta(days=30)), at(NOW - timedelta(days=1))
    messages = [
        make_message("a old", at=old), make_message("b old", at=old, source="source-b"),
        make_message("b new", at=new, source="source-b"), {"Meta": {"DataModel": "Unknown"}},
    ]  # fmt: skip
    load(settings, "mixed", messages)
    counted = run(settings, apply=False)
    assert (counted.removed.messages, counted.removed.quarantined) == (1, 0)
    assert counted.rules == (("source-b", "PatientAdmin", "2026-03-22"),)
    assert len(ask(settings, "select 1 from core.message")) == 3
    much_later = datetime.now(UTC) + timedelta(days=6)
    removed = run(settings, apply=True, now=much_later).removed
    assert (removed.messages, removed.quarantined) == (3, 1)
    assert ask(settings, "select state from core.quarantine") == [("purged",)]
    assert Landing(settings.landing_path).object_ids() == []


@pytest.mark.slow
def test_a_year_of_loads_leaves_the_home_as_large_as_a_month(tmp_path: Path) -> None:
    settings = kept(tmp_path, messages_days={"*": 30})
    sizes = []
    for number in range(300):
        day = NOW + timedelta(days=number * 365 / 300)
        load(settings, "daily", [make_message(f"{number}-{n}", at=at(day)) for n in range(20)])
        if number % 25 == 24:
            publish(settings, keep_versions=1)
            run(settings, apply=True, now=day)
            files = [path for path in settings.home.rglob("*") if path.is_file()]
            sizes.append((len(files), sum(path.stat().st_size for path in files)))
            print(number, *sizes[-1])
    (files, size), (last_files, last_size) = sizes[1], sizes[-1]
    assert last_files <= files * 1.1
    assert last_size <= size * 1.3
