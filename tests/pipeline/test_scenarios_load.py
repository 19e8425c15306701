"""Scenario messages load without a finding that was not intended, and nothing is left over."""

from __future__ import annotations

from pathlib import Path

from etl.pipeline.load import load_paths
from etl.settings import Settings
from etl.synth.scenarios import ScenarioDials, write_scenarios
from etl.warehouse.connection import open_warehouse

# replies that carry their query's event type list fields that the query does not
INTENDED = {"event_type_retired", "path_not_listed_for_event", "reply_under_query_event"}


def test_scenarios_load_clean(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "messages"
    written = write_scenarios(folder, dials=ScenarioDials(patients=600), truth=None)
    events = load_paths(settings, [str(folder / "events")])
    replies = load_paths(settings, [str(folder / "replies")], unwrap="body")
    assert (events.loaded, replies.loaded) == (written.events, written.replies)
    with open_warehouse(settings.warehouse_path, read_only=True) as connection:
        rules = connection.execute("select distinct rule from quality.finding_count").fetchall()
        left = connection.execute(
            "select (select count(*) from core.unplaced_value), (select count(*) from core.received_form)"
        ).fetchone()
        without_time = connection.execute(
            "select count(*) from core.message where coalesce(received_at, event_at) is null"
        ).fetchone()
    assert {rule for (rule,) in rules} <= INTENDED
    assert left == (0, 0)
    assert without_time == (0,)
