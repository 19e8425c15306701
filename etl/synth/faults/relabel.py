"""Plants wrong labels: event types the catalog lacks, replies under their query's event type."""

from __future__ import annotations

from collections.abc import Mapping

from etl.synth.faults.bench import Bench
from etl.synth.message import RECORDED_REPLY, REPLY_UNDER_QUERY, Planted
from etl.synth.plan import Query

UNKNOWN_EVENT = "SyntheticEvent"
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
    query = bench.message.plan.query
    if query is None or RECORDED_REPLY in bench.message.planted:
        return
    bench.payload["Meta"]["EventType"] = query.event_type
    bench.at_end(lambda counts: _planted(bench, query, counts, AS_QUERY))


def recognize_again(bench: Bench) -> None:
    """What a recorded reply is taken for hangs on what is left of it after faults were planted."""
    query = bench.message.plan.query
    if query is not None and RECORDED_REPLY in bench.message.planted:
        bench.message.planted = ()
        bench.at_end(lambda counts: _planted(bench, query, counts, RECORDED_REPLY.form))


def _planted(bench: Bench, query: Query, counts: Mapping[str, int], form: str) -> list[Planted]:
    populated = [path for path, count in counts.items() if count]
    if query.shape.is_reply(populated):
        return [Planted(REPLY_UNDER_QUERY, "Meta.EventType", form=form)]
    event = bench.message.plan.event
    bench.message.key = bench.message.key._replace(event_type=query.event_type)
    fields = bench.catalog.fields[event.data_model]
    listed = {field.path for field in fields if query.event_type in field.event_types}
    unlisted = sorted(path for path in populated if path not in listed)
    return [Planted(UNLISTED_FOR_EVENT, path, form=form) for path in unlisted]


def _relabel(bench: Bench, event_type: str) -> None:
    bench.payload["Meta"]["EventType"] = event_type
    bench.message.key = bench.message.key._replace(event_type=event_type)
