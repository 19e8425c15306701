"""What goes into a report and what is said of it afterwards. Nothing here does work."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

import pyarrow as pa

from etl.report.found import Findings


class Verdict(StrEnum):
    """The verdicts of quality.field_verdict, worst first."""

    BELOW = "below"
    ABOVE = "above"
    NOT_LISTED = "not_listed_for_event"
    NOT_ENOUGH = "not_enough_messages"
    MET = "met"
    NOT_DOCUMENTED = "not_documented"


DAYS_IN_REPORT = 92


@dataclass(frozen=True, slots=True)
class EarlierReport:
    """A kept report: its file beside the newest, when it was made (UTC), what it said."""

    file: str
    generated_at: datetime
    messages: int
    evaluated: int
    met: int
    below: int
    changes: int


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What a report shows; "" takes every data model, source or event type.

    `generated_at` is printed as the time of the report (UTC). `source_id` may also be a source's
    name or an organization. With `include_test` test messages are shown beside the others as senders
    of their own; without it they are left out unless nothing else was received. Counts from 1 to
    `suppress_below` - 1 are never written. Series show the last `max_days` days, none if that is 0;
    above `max_rows` checks, the unrated ones that are least filled are only counted. `source_titles`
    says what the codes of a rating's source (`code|code`) stand for; `ratings` what share of the catalog
    is rated, as a sentence without its full stop; `earlier` are the reports made
    before, which the page links to.
    """

    generated_at: datetime
    data_model: str = ""
    source_id: str = ""
    event_type: str = ""
    include_test: bool = False
    suppress_below: int = 0
    max_days: int = DAYS_IN_REPORT
    max_rows: int = 50_000
    source_titles: Mapping[str, str] = field(default_factory=dict)
    ratings: str = ""
    earlier: tuple[EarlierReport, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """Which messages were looked at: their days, and whether test messages are among them.

    `falls_back_to_test`: only test messages were received, so they are shown unasked.
    """

    first_day: date | None
    last_day: date | None
    shows_test: bool
    falls_back_to_test: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a report tells, as read from the views.

    `feeds`: one row per source, data model, event type and test flag, numbered by `feed`, with
    `messages`, and the days with messages as lists `days` and `day_messages`.
    `fields`: rows of quality.field_verdict with their feed, worst first.
    `series`: per feed and path the `days` on which it is filled, and how many messages fill it on
    each (`populated`); of too many fields the unrated, least filled ones have no row.
    `changes`, `silences`: rows of quality.field_drift and quality.source_silence, latest first.
    `findings`: those of the same messages, see found.py. `source_names`: names of sources by id, see
    source_names.py. `places`: the table and column of a data model's path. `left_out`: per feed and
    verdict the unrated fields that are not among `fields`, because there are too many.
    """

    scope: Scope
    feeds: pa.Table
    fields: pa.Table
    series: pa.Table
    changes: pa.Table
    silences: pa.Table
    findings: Findings
    source_names: Mapping[str, str]
    places: Mapping[tuple[str, str], str]
    settings: Mapping[str, float]
    left_out: Mapping[tuple[int, str], int]


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """What a report says in numbers; `fields` counts each field per source and event type.

    Of these `failing` are below their rating, which are `fields_below` fields, each counted once.
    """

    sources: int
    messages: int
    fields: int
    verdicts: Mapping[Verdict, int]
    failing: int
    fields_below: int
    changes: int
    silences: int
    shows_test: bool
    size_bytes: int
