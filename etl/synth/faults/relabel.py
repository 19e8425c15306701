"""Plants wrong labels: event types the catalog lacks, replies under their query's event type."""

from __future__ import annotations

from collections.abc import Mapping

from etl.synth.faults.bench import Bench
from etl.synth.message import Planted
from models.catalog.records import Catalog, EventType

UNKNOWN_EVENT = "SyntheticEvent"


def plant_unknown_event(bench: Bench) -> None:
    """Give the message an event type that no catalog lists, unless it was relabelled already."""
    if bench.payload["Meta"]["EventType"] != bench.message.plan.event.event_type:
        return
    _relabel(bench, UNKNOWN_EVENT)
    bench.planted.append(Planted("event_type_unlisted", "Meta.EventType"))


def plant_reply_as_query(bench: Bench) -> None:
    """Give a reply the event type of its query, as synchronous replies come.

    One record per populated path that the query does not list; ordinals are left out.
    """
    query = query_of(bench.catalog, bench.message.plan.event)
    if query is None:
        return
    _relabel(bench, query.event_type)
    listed = {
        field.path
        for field in bench.catalog.fields[query.data_model]
        if query.event_type in field.event_types
    }
    bench.at_end(lambda counts: _unlisted_for_event(counts, listed))


def _unlisted_for_event(counts: Mapping[str, int], listed: set[str]) -> list[Planted]:
    paths = sorted(path for path, count in counts.items() if count and path not in listed)
    rule = "path_not_listed_for_event"
    return [Planted(rule, path, form="reply_as_query") for path in paths]


def query_of(catalog: Catalog, event: EventType) -> EventType | None:
    """The query that a reply answers, if the event type is one."""
    events = catalog.data_models[event.data_model].event_types
    return next((query for query in events if query.reply == event.event_type), None)


def _relabel(bench: Bench, event_type: str) -> None:
    bench.payload["Meta"]["EventType"] = event_type
    bench.message.key = bench.message.key._replace(event_type=event_type)
