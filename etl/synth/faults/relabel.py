"""Plants wrong labels: event types the catalog lacks, replies under their query's event type."""

from __future__ import annotations

from collections.abc import Mapping

from etl.synth.faults.bench import Bench
from etl.synth.message import Planted
from models.catalog.records import Catalog, EventType
from models.compile.replies import compile_replies

UNKNOWN_EVENT = "SyntheticEvent"
REPLY_UNDER_QUERY = "reply_under_query_event"
UNLISTED_FOR_EVENT = "path_not_listed_for_event"
AS_QUERY = "reply_as_query"


def plant_unknown_event(bench: Bench) -> None:
    """Give the message an event type that no catalog lists, unless it was relabelled already."""
    if bench.payload["Meta"]["EventType"] != bench.message.plan.event.event_type:
        return
    _relabel(bench, UNKNOWN_EVENT)
    bench.planted.append(Planted("event_type_unlisted", "Meta.EventType"))


def plant_reply_as_query(bench: Bench) -> None:
    """Give a reply the event type of its query, as synchronous replies come.

    One record where its populated paths show that it is a reply. Otherwise it counts as the query,
    with one record per populated path that the query does not list; ordinals are left out.
    """
    query = query_of(bench.catalog, bench.message.plan.event)
    if query is None:
        return
    bench.payload["Meta"]["EventType"] = query.event_type
    bench.at_end(lambda counts: _planted(bench, query, counts))


def _planted(bench: Bench, query: EventType, counts: Mapping[str, int]) -> list[Planted]:
    populated = [path for path, count in counts.items() if count]
    shape = compile_replies(bench.catalog, query.data_model)[query.event_type]
    if shape.is_reply(populated):
        return [Planted(REPLY_UNDER_QUERY, "Meta.EventType", form=AS_QUERY)]
    bench.message.key = bench.message.key._replace(event_type=query.event_type)
    fields = bench.catalog.fields[query.data_model]
    listed = {field.path for field in fields if query.event_type in field.event_types}
    unlisted = sorted(path for path in populated if path not in listed)
    return [Planted(UNLISTED_FOR_EVENT, path, form=AS_QUERY) for path in unlisted]


def query_of(catalog: Catalog, event: EventType) -> EventType | None:
    """The query that a reply answers, if the event type is one."""
    events = catalog.data_models[event.data_model].event_types
    return next((query for query in events if query.reply == event.event_type), None)


def _relabel(bench: Bench, event_type: str) -> None:
    bench.payload["Meta"]["EventType"] = event_type
    bench.message.key = bench.message.key._replace(event_type=event_type)
