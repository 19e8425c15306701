"""The data that a report's page carries: columns of numbers and tables of texts, as compact JSON.

What is small is hidden before it gets here or in here, never in the page. The page's scripts
(templates/reliability/*.js) read exactly these names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from etl.report.records import Facts, ReportOptions, Verdict
from etl.report.senders import Senders
from etl.report.small_cells import HIDDEN, hide, hide_series, is_small, redacted_verdict

CERTAINTIES = ("", "surely", "likely", "perhaps")
RATINGS = ("", "Reliable", "Probable", "Possible")
BASES = ("", "site", "documented", "inferred")
KINDS = ("leaf", "object", "array")
EVERY_MESSAGE = 1
NO_SERIES = 0
LEFT_OUT = 2
MOST_CELLS = 1_500_000
"""Days of fields that a page carries in all, about 4 MB; rated and changed fields come first."""
Column = list[Any]
FieldRow = Mapping[str, Any]


class Texts:
    """Numbers texts, or other things said often, as they come."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}

    def number(self, text: Hashable) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def all(self) -> list[Any]:
        return list(self._numbers)


def build_payload(facts: Facts, senders: Senders, options: ReportOptions) -> dict[str, Any]:
    """Everything the page shows; small counts are HIDDEN (-1), unknown rates null."""
    days = _calendar(day for feed in senders.feeds for day in feed.days)
    day_number = {day: number for number, day in enumerate(days)}
    models, events, fields, texts, sources = Texts(), Texts(), Texts(), Texts(), Texts()
    rows = facts.fields.to_pylist()
    field_of = [
        fields.number((models.number(senders.feeds[row["feed"]].data_model), row["path"]))
        for row in rows
    ]
    return {
        "suppressBelow": options.suppress_below,
        "settings": dict(facts.settings),
        "days": [day.isoformat() for day in days],
        "senders": [
            [sender.label, sender.source, sender.short, sender.id_beside]
            for sender in senders.senders
        ],
        "feeds": [
            [
                feed.sender,
                models.number(feed.data_model),
                events.number(feed.event_type),
                feed.messages,
                [day_number[day] for day in feed.days],
                list(feed.day_messages),
            ]
            for feed in senders.feeds
        ],
        "verdicts": [verdict.value for verdict in Verdict],
        "certainties": CERTAINTIES,
        "ratings": RATINGS,
        "bases": BASES,
        "kinds": KINDS,
        "rows": {
            "field": field_of,
            **_columns(rows, _shown(senders, texts, sources, options.suppress_below)),
            "series": _series(rows, facts, senders, options.suppress_below),
        },
        "changes": _changes(rows, facts, day_number),
        "models": models.all(),
        "events": events.all(),
        "fields": fields.all(),
        "places": _places(facts, fields, models),
        "texts": texts.all(),
        "ratingSources": [_titles(source, options.source_titles) for source in sources.all()],
    }


def _calendar(seen: Iterable[date]) -> list[date]:
    """Every day from the first to the last: a day without messages keeps its place on the axis."""
    days = set(seen)
    if not days:
        return []
    first = min(days)
    return [first + timedelta(days=number) for number in range((max(days) - first).days + 1)]


def to_json(payload: Mapping[str, Any]) -> str:
    """Compact JSON that may stand inside a script element."""
    text = json.dumps(payload, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace("&", "\\u0026")


def _shown(
    senders: Senders, texts: Texts, sources: Texts, below: int
) -> dict[str, Callable[[FieldRow], Any]]:
    """The columns of the rows: how each is read off a row of quality.field_verdict."""
    verdicts = [verdict.value for verdict in Verdict]

    def messages_of(row: FieldRow) -> int:
        return senders.feeds[row["feed"]].messages

    def tells(row: FieldRow) -> bool:
        return messages_of(row) != HIDDEN and not is_small(row["messages_populated"], below)

    def tells_elements(row: FieldRow) -> bool:
        counts = ("messages_populated", "elements", "element_denominator", "parent_denominator")
        return tells(row) and not any(is_small(row[name], below) for name in counts)

    def text_of(row: FieldRow) -> str:
        if not row["rating"]:
            return ""  # its numbers say the same; sentences of all of them are most of a large page
        redacted = redacted_verdict(row["messages_populated"], row["messages"], below)
        return redacted or str(row["verdict_text"])

    return {
        "feed": lambda row: row["feed"],
        "verdict": lambda row: verdicts.index(row["verdict"]),
        "certainty": lambda row: CERTAINTIES.index(row["certainty"] or ""),
        "rating": lambda row: RATINGS.index(row["rating"] or ""),
        "basis": lambda row: BASES.index(row["rating_basis"] or ""),
        "source": lambda row: sources.number(row["rating_source"] or ""),
        "required": lambda row: int(row["is_required"]),
        "band": lambda row: RATINGS.index(row["observed_band"] or ""),
        "kind": lambda row: KINDS.index(row["kind"]),
        "text": lambda row: texts.number(text_of(row)),
        "populated": lambda row: hide(row["messages_populated"], below),
        "low": lambda row: _rate(row["rate_low"]) if tells(row) else None,
        "high": lambda row: _rate(row["rate_high"]) if tells(row) else None,
        "elements": lambda row: hide(row["elements"], below),
        "elementsOf": lambda row: hide(row["element_denominator"], below),
        "elementRate": lambda row: _rate(row["element_rate"]) if tells_elements(row) else None,
        "meanElements": lambda row: _hundredths(row["mean_elements"], tells_elements(row)),
        "parents": lambda row: hide(row["parent_denominator"], below),
        "parentRate": lambda row: _rate(row["parent_rate"]) if tells_elements(row) else None,
        "carrying": lambda row: row["organizations_carrying"],
        "organizations": lambda row: row["organizations"],
    }


def _columns(
    rows: Sequence[FieldRow], shown: Mapping[str, Callable[[FieldRow], Any]]
) -> dict[str, Column]:
    return {name: [read(row) for row in rows] for name, read in shown.items()}


def _rate(rate: float | None) -> int | None:
    """A rate in hundredths of a percent."""
    return None if rate is None else round(rate * 10_000)


def _hundredths(number: float | None, is_told: bool) -> int | None:
    return round(number * 100) if number is not None and is_told else None


def _series(
    rows: Sequence[FieldRow], facts: Facts, senders: Senders, below: int
) -> list[list[int] | int]:
    """Per row the populated messages of each day of its feed."""
    known = _FilledDays(facts.series)
    place_of_day = [_places_of(feed.days) for feed in senders.feeds]
    day_messages = facts.feeds["day_messages"].to_pylist()
    changed = {(change["feed"], change["path"]) for change in facts.changes.to_pylist()}
    series: list[list[int] | int] = [NO_SERIES] * len(rows)
    room = MOST_CELLS
    order = sorted(
        range(len(rows)),
        key=lambda at: (
            (rows[at]["feed"], rows[at]["path"]) not in changed, rows[at]["rating"] is None
        ),
    )  # fmt: skip
    for at in order:
        feed, path = rows[at]["feed"], rows[at]["path"]
        if not known.has_days(feed, path):
            is_unread = not known.is_read(feed, path) and rows[at]["messages_populated"] > 0
            series[at] = LEFT_OUT if is_unread else NO_SERIES
            continue
        messages = senders.feeds[feed].day_messages
        populated = known.of_days(feed, path, place_of_day[feed])
        if populated == day_messages[feed]:
            series[at] = EVERY_MESSAGE
        elif len(populated) > room:
            series[at] = LEFT_OUT
        else:
            room -= len(populated)
            series[at] = hide_series(populated, messages, below=below)
    return series


def _places_of(days: Sequence[date]) -> NDArray[np.int64]:
    """The days' numbers since 1970, as DuckDB counts them, in ascending order."""
    return np.array(days, dtype="datetime64[D]").astype(np.int64)


class _FilledDays:
    """The days on which fields are filled, laid out for one field when it is asked for."""

    def __init__(self, series: pa.Table) -> None:
        days, populated = (series[name].combine_chunks() for name in ("days", "populated"))
        self._rows = {
            key: number
            for number, key in enumerate(
                zip(series["feed"].to_pylist(), series["path"].to_pylist(), strict=True)
            )
        }
        self._ends = days.offsets.to_numpy()
        self._days = days.values.cast(pa.int32()).to_numpy().astype(np.int64)
        self._populated = populated.values.to_numpy()

    def is_read(self, feed: int, path: str) -> bool:
        return (feed, path) in self._rows

    def has_days(self, feed: int, path: str) -> bool:
        row = self._rows.get((feed, path))
        return row is not None and bool(self._ends[row] < self._ends[row + 1])

    def of_days(self, feed: int, path: str, days: NDArray[np.int64]) -> list[int]:
        """How many messages fill the field on each of these days, which ascend; 0 where none does."""
        row = self._rows[feed, path]
        part = slice(self._ends[row], self._ends[row + 1])
        filled, populated = self._days[part], self._populated[part]
        place = np.searchsorted(days, filled).clip(max=len(days) - 1)
        is_shown = days[place] == filled
        laid_out = np.zeros(len(days), dtype=np.int64)
        laid_out[place[is_shown]] = populated[is_shown]
        numbers: list[int] = laid_out.tolist()
        return numbers


def _changes(
    rows: Sequence[FieldRow], facts: Facts, day_number: Mapping[date, int]
) -> list[list[Any]]:
    row_number = {(row["feed"], row["path"]): number for number, row in enumerate(rows)}
    found: Iterable[Mapping[str, Any]] = facts.changes.to_pylist()
    return [
        [row_number[change["feed"], change["path"]], day_number[change["day"]], change["kind"]]
        for change in found
        if (change["feed"], change["path"]) in row_number and change["day"] in day_number
    ]


def _titles(codes: str, titles: Mapping[str, str]) -> str:
    """What the codes of a rating's source stand for, each title once."""
    return "; ".join(dict.fromkeys(titles.get(code, code) for code in codes.split("|")))


def _places(facts: Facts, fields: Texts, models: Texts) -> list[str]:
    names = models.all()
    return [facts.places.get((names[model], path), "") for model, path in fields.all()]
