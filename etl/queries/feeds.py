"""What came lately, feed by feed: how much of it has errors, warnings, or is in quarantine.

A feed is what one source sends of one data model. Items in quarantine name neither, so they are
counted by the folder or bucket prefix in which they arrived. Whether a share is too high is decided
in `verdicts`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import duckdb

from etl.pipeline.status import read_named_sources
from etl.report.names import SOURCE_SQL
from etl.report.source_names import SourceLabel
from etl.settings import Settings
from etl.sources.files import label_of


class Window(StrEnum):
    """The time a share speaks of. `NEWEST` is the run asked for, else the newest load of the feed."""

    NEWEST = "this load"
    DAY = "last 24 hours"
    WEEK = "last 7 days"
    ALL = "all time"


@dataclass(frozen=True, slots=True)
class FeedShare:
    """Messages of one source and data model in a window, and how many have an error, a warning.

    `source_name` is the name of the source, "" where none is known.
    """

    window: Window
    data_model: str
    source_id: str
    messages: int
    with_errors: int
    with_warnings: int
    source_name: str = ""

    @property
    def source_label(self) -> str:
        """Return the source by name and id; every source together is all sources."""
        if self.window is Window.ALL:
            return "all sources"
        return SourceLabel(self.source_id or "(no source id)", self.source_name).text


@dataclass(frozen=True, slots=True)
class PlaceShare:
    """Items that arrived at one place in a window, and how many of them are in open quarantine."""

    window: Window
    place: str
    items: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule that the loads broke at one path; `path` is written as in the catalog."""

    rule: str
    severity: str
    data_model: str
    path: str
    findings: int
    messages: int


@dataclass(frozen=True, slots=True)
class Lately:
    """Everything about what came lately, as of one moment."""

    feeds: tuple[FeedShare, ...] = ()
    places: tuple[PlaceShare, ...] = ()
    broken: tuple[BrokenRule, ...] = ()
    reasons: tuple[tuple[str, int], ...] = ()


WORST_RULES = 5

# One line per load of the last seven days: is it of the last day, and of the loads asked for?
_RECENT = """
create or replace temp table recent_load as
select
    load_id,
    finished_at > cast($now as timestamptz) - interval 24 hours as is_of_day,
    load_id in (select unnest($loads::bigint[])) as is_asked
from core.load
where kind <> 'reload'
    and (
        finished_at > cast($now as timestamptz) - interval 7 days
        or load_id in (select unnest($loads::bigint[]))
    )
"""
_MESSAGES = f"""
create or replace temp table recent_feed as
with message as (
    select
        message.message_id,
        message.load_id,
        message.data_model,
        coalesce(message.source_id, '') as source_id
    from core.message as message
    semi join recent_load using (load_id)
),

flagged as (
    select message_id, bool_or(severity = 'error') as has_error,
        bool_or(severity = 'warning') as has_warning
    from quality.finding
    semi join message using (message_id)
    group by message_id
)

select
    message.load_id,
    message.data_model,
    {SOURCE_SQL} as source_id,
    count(*) as messages,
    count(*) filter (where flagged.has_error) as with_errors,
    count(*) filter (where flagged.has_warning) as with_warnings
from message
left join flagged using (message_id)
group by all
"""
# A feed that the asked loads touched is shown by them, any other by its newest load of a day.
_FEEDS = """
with newest as (
    select
        data_model,
        source_id,
        bool_or(is_asked) as is_asked,
        max(load_id) filter (where is_of_day) as load_id
    from recent_feed join recent_load using (load_id)
    group by data_model, source_id
),

windowed as (
    select 'this load' as window_, recent_feed.*
    from recent_feed
    join recent_load using (load_id)
    join newest using (data_model, source_id)
    where case when newest.is_asked then recent_load.is_asked
        else recent_feed.load_id = newest.load_id end
    union all
    select 'last 24 hours', recent_feed.*
    from recent_feed join recent_load using (load_id)
    where is_of_day
    union all
    select 'last 7 days', recent_feed.*
    from recent_feed
)

select window_, data_model, source_id, sum(messages), sum(with_errors), sum(with_warnings)
from windowed
group by all
order by data_model, source_id, window_
"""
_ALL_TIME = """
with flagged as (
    select data_model,
        count(distinct message_id) filter (where severity = 'error') as with_errors,
        count(distinct message_id) filter (where severity = 'warning') as with_warnings
    from quality.finding
    group by data_model
)

select counted.data_model, counted.messages, coalesce(with_errors, 0), coalesce(with_warnings, 0)
from (
    select data_model, sum(messages) as messages from quality.message_count group by data_model
) as counted
left join flagged using (data_model)
order by data_model
"""
_PLACES = """
with arrived as (
    select
        load_part.load_id,
        regexp_replace(landed_object.uri, '[^/]*$', '') as folder,
        sum(load_part.item_count) as items
    from core.load_part
    join core.landed_object using (object_id)
    group by all
),

put_aside as (
    select
        quarantine.load_id,
        regexp_replace(landed_object.uri, '[^/]*$', '') as folder,
        count(*) as quarantined
    from core.quarantine
    join core.landed_object using (object_id)
    where quarantine.state = 'open'
    group by all
),

part as (
    select arrived.load_id, arrived.folder, arrived.items,
        coalesce(put_aside.quarantined, 0) as quarantined,
        recent_load.is_of_day, recent_load.is_asked,
        recent_load.load_id is not null as is_recent
    from arrived
    left join put_aside using (load_id, folder)
    left join recent_load using (load_id)
),

newest as (
    select folder, bool_or(is_asked) as is_asked, max(load_id) filter (where is_of_day) as load_id
    from part where is_recent group by folder
),

windowed as (
    select 'this load' as window_, part.*
    from part join newest using (folder)
    where case when newest.is_asked then part.is_asked else part.load_id = newest.load_id end
    union all
    select 'last 24 hours', part.* from part where is_of_day
    union all
    select 'last 7 days', part.* from part where is_recent
    union all
    select 'all time', part.* from part
)

select window_, folder, sum(items), sum(quarantined)
from windowed
group by all
order by folder, window_
"""
_REASONS = """
select reason, count(*) from core.quarantine
where state = 'open'
    and ($loads = [] or load_id in (select unnest($loads::bigint[])))
group by reason order by 2 desc, 1
"""
# Odd keys of a payload are not shown.
PATH_SQL = """regexp_replace(path, '\\["([^"\\\\]|\\\\.)*"\\]', '["*"]', 'g')"""
_BROKEN = f"""
with counted as (
    select rule, severity, data_model, {PATH_SQL} as shown_path, sum(findings) as found,
        sum(messages) as in_messages
    from quality.finding_count
    join recent_load using (load_id)
    where severity <> 'info' and ($loads = [] or is_asked)
    group by rule, severity, data_model, shown_path
)

select rule, severity, data_model, shown_path, found, in_messages
from counted
qualify row_number() over (
    partition by data_model, severity
    order by found desc, rule, shown_path
) <= {WORST_RULES}
order by data_model, severity, found desc, rule, shown_path
"""


def read_lately(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    now: datetime,
    load_ids: Sequence[int] = (),
) -> Lately:
    """Return what came lately; `load_ids` are the loads of the run that asks, `now` is aware."""
    loads = list(load_ids)
    connection.execute(_RECENT, {"now": now, "loads": loads})
    connection.execute(_MESSAGES)
    names = read_named_sources(settings.status_path)
    feeds = [
        FeedShare(
            Window(window),
            model,
            source,
            int(messages),
            int(errors),
            int(warnings),
            names.get(source, ""),
        )
        for window, model, source, messages, errors, warnings in _rows(connection, _FEEDS)
    ]
    feeds += [
        FeedShare(Window.ALL, model, "", int(messages), int(errors), int(warnings))
        for model, messages, errors, warnings in _rows(connection, _ALL_TIME)
    ]
    return Lately(
        feeds=tuple(feeds),
        places=tuple(_places(_rows(connection, _PLACES), settings)),
        broken=tuple(
            BrokenRule(rule, severity, model, path, int(findings), int(messages))
            for rule, severity, model, path, findings, messages in connection.execute(
                _BROKEN, {"loads": loads}
            ).fetchall()
        ),
        reasons=tuple(
            (str(reason), int(count))
            for reason, count in connection.execute(_REASONS, {"loads": loads}).fetchall()
        ),
    )


def _places(rows: Iterable[tuple[Any, ...]], settings: Settings) -> Iterable[PlaceShare]:
    for window, folder, items, quarantined in rows:
        name = name_place(str(folder), settings)
        yield PlaceShare(Window(window), name, int(items), int(quarantined))


def name_place(folder: str, settings: Settings) -> str:
    """Return a name for a folder or prefix: the one the site configured, never what lies below it.

    Folders below may be named after patients; they have an id, which `redox-warehouse source ID`
    resolves.
    """
    incoming = f"{settings.incoming_path}/"
    if folder == incoming:
        return "HOME/incoming"
    below = f" (folder {label_of(folder).removeprefix('source ')})"
    if folder.startswith(incoming):
        return f"HOME/incoming{below}"
    for path in settings.watch.paths:
        root = f"{path.rstrip('/')}/"
        if folder.startswith(root):
            return path if folder == root else f"{path}{below}"
    return below.strip(" ()")


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query).fetchall()
