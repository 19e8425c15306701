"""A conversation as Redox's API holds it: query, recorded reply, load: one row, counted as the reply."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from etl.pipeline.load import load_paths
from etl.settings import Settings
from models.compile.replies import compile_replies, read_as
from tests.packaged import packaged_catalog
from tests.pipeline.small_messages import ask
from tests.pull.builders import ask as pull
from tests.pull.builders import make_query
from tests.standin.redox import StandIn
from tests.standin.replies import reply_content


def test_a_recorded_reply_is_one_row_counted_as_the_reply_without_noise(
    settings: Settings, standin: StandIn
) -> None:
    assert standin.queries.is_recorded
    assert pull(settings, 3).under_query_event == 3
    load_paths(settings, [str(settings.incoming_path)])

    rows = ask(
        settings,
        "select m.event_type, c.event_type, c.read_as, c.event_at, "
        "m.received_at = c.received_at, c.received_at is not null "
        "from patient_search.message m join core.message c using (message_id)",
    )
    assert rows == [("Response", "Query", "Response", None, True, True)] * 3
    counted = "select event_type, sum(messages)::integer from quality.message_count group by all"
    assert ask(settings, counted) == [("Response", 3)]
    found = "select distinct rule, path, event_type from quality.finding_count"
    assert ask(settings, found) == [("reply_under_query_event", "Meta.EventType", "Response")]
    assert ask(settings, "select count(*) from quality.finding") == [(0,)]
    assert ask(settings, "select count(*) from core.unplaced_value") == [(0,)]

    in_time = "select message_id from core.message order by received_at, message_id"
    assert ask(settings, in_time) == ask(settings, "select message_id from core.message order by 1")
    days = (
        "select distinct day = cast(timezone('UTC', received_at) as date) "
        "from core.message, quality.message_count"
    )
    assert ask(settings, days) == [(True,)]


def test_every_reply_of_the_standin_has_the_shape_of_its_event_type(
    replies: dict[tuple[str, str], str],
) -> None:
    catalog = packaged_catalog()
    for (data_model, event_type), reply in replies.items():
        content = reply_content(make_query(DataModel=data_model, EventType=event_type))
        shapes = compile_replies(catalog, data_model)
        assert read_as(event_type, _paths(content), shapes) == reply


def _paths(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner, f"{path}[]")
    else:
        yield path
