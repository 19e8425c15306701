"""Questions about findings: how many of which kind where and when, and in which messages.

What a rule means is in the catalog; how answers are printed is the command line's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from etl.errors import UsageFault
from etl.known_names import look_up, require_known
from etl.report.names import EVENT_TYPE_SQL, SOURCE_SQL
from etl.report.views import view_select

GROUPS = {
    "rule": "rule",
    "model": "data_model",
    "event": EVENT_TYPE_SQL,
    "path": "path",
    "source": SOURCE_SQL,
    "day": "day",
    "month": "strftime(day, '%Y-%m')",
}
DEFAULT_GROUPS = ("rule", "model", "path")
SEVERITIES = ("error", "warning", "info")

_BELOW_PATH = "(path = $path or starts_with(path, $path || '.') or starts_with(path, $path || '['))"
_IS_PATH = f"""
    select 1 from quality.field where {_BELOW_PATH}
    union all
    select 1 from {view_select("quality.finding_overview")} where {_BELOW_PATH}
    limit 1
"""
_EVENT_TYPES = """
    select event_type from quality.field_event
    union all
    select event_type from quality.message_count
"""

_LINKS = """
    select data_model, path, any_value(value_set_confidence) as link
    from quality.field
    where value_set_confidence <> ''
    group by data_model, path
"""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which findings to look at; empty means all. Days are UTC, `until` is the day after the last.

    `path` chooses the path itself and everything below it.
    """

    severities: tuple[str, ...] = ("error", "warning")
    rules: tuple[str, ...] = ()
    data_models: tuple[str, ...] = ()
    event_types: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    path: str = ""
    since: date | None = None
    until: date | None = None

    def refuse_unknown(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Raise UsageFault for a name that nothing listed or received has.

        Names of messages are offered instead only if they look like what they should be.
        """
        require_known(connection, rules=self.rules, data_models=self.data_models)
        for names, kind, shown, known in (
            (self.event_types, "event type", EVENT_TYPE_SQL, _EVENT_TYPES),
            (self.sources, "source", SOURCE_SQL, "select source_id from quality.message_count"),
        ):
            if names:
                query = f"select distinct {shown}, known.* from ({known}) as known"
                rows = connection.execute(query).fetchall()
                received = {name for _, name in rows}
                unknown = [name for name in names if name not in received]
                look_up(unknown, {name: name for name, _ in rows if name not in ("", "*")}, kind)
        if self.path and not connection.execute(_IS_PATH, {"path": self.path}).fetchone():
            raise UsageFault(
                f"There is no path {self.path}, neither listed nor received; write it as in "
                "Patient.Identifiers[].ID."
            )


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """Findings counted together; `messages` is None where groups leave out rule or path."""

    keys: dict[str, str]
    severity: str
    findings: int
    messages: int | None
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class FindingPlace:
    """One finding and where it is."""

    message_id: int
    load_id: int
    severity: str
    rule: str
    data_model: str
    event_type: str
    source_id: str
    day: date
    path: str
    ordinals: tuple[int, ...]
    value_set: str
    link: str
    suggestion: str


@dataclass(frozen=True, slots=True)
class ReceivedValue:
    """A value as received that broke a rule. Holds data of patients: for terminals only."""

    rule: str
    data_model: str
    path: str
    received: str
    suggestion: str
    findings: int


def count_findings(
    connection: duckdb.DuckDBPyConnection,
    chosen: Chosen,
    *,
    by: Sequence[str] = DEFAULT_GROUPS,
    limit: int = 1000,
) -> list[FindingGroup]:
    """Findings counted by these groups, the worst and most frequent first."""
    names = list(dict.fromkeys(by)) or list(DEFAULT_GROUPS)
    groups = ", ".join(f"{GROUPS[name]} as {name}_" for name in names)
    condition, values = _condition(chosen)
    is_exact = {"rule", "path"} <= set(names)
    order = ", ".join(f"{name}_" for name in names)
    query = f"""
        with counted as (
            select severity, {groups}, cast(sum(findings) as bigint) as findings,
                cast(sum(messages) as bigint) as messages, min(day) as first, max(day) as last
            from {view_select("quality.finding_overview")}
            where {condition}
            group by all
        )
        select columns(*) from counted
        order by list_position(['error', 'warning', 'info'], severity), findings desc, {order}
        limit {int(limit)}
    """
    found = []
    for severity, *rest in connection.execute(query, values).fetchall():
        keys = {n: str(value or "") for n, value in zip(names, rest, strict=False)}
        findings, messages, first, last = rest[len(names) :]
        exact = messages if is_exact else None
        found.append(FindingGroup(keys, severity, findings, exact, first, last))
    return found


def find_places(
    connection: duckdb.DuckDBPyConnection, chosen: Chosen, *, limit: int = 100
) -> list[FindingPlace]:
    """The findings one by one, the newest messages first; info is counted only, so not here."""
    condition, values = _condition(chosen)
    query = f"""
        select
            message_id, load_id, severity, rule, data_model, {EVENT_TYPE_SQL}, {SOURCE_SQL}, day,
            regexp_replace(path, '\\["([^"\\\\]|\\\\.)*"\\]', '["*"]', 'g') as path, ordinals,
            coalesce(value_set, ''), coalesce(link, ''), coalesce(suggestion, '')
        from quality.finding
        left join ({_LINKS}) using (data_model, path)
        where {condition}
        order by message_id desc, rule, path, ordinals
        limit {int(limit)}
    """
    rows = connection.execute(query, values).fetchall()
    return [FindingPlace(*(*row[:9], _positions(row[9]), *row[10:])) for row in rows]


def find_values(
    connection: duckdb.DuckDBPyConnection, chosen: Chosen, *, limit: int = 100
) -> list[ReceivedValue]:
    """What was received where a rule was broken, the most frequent first.

    Values outside a set are listed per field, for all sources and event types together.
    """
    condition, values = _condition(chosen)
    query = f"""
        with received as (
            select
                rule, data_model, path, value, suggestion, findings, first_day as day,
                '' as event_type, '' as source_id, rule.severity
            from (
                select *, 'value_not_supported' || if(link = 'by_analogy', '_by_analogy', '') as rule
                from {view_select("quality.value_outside_set")}
            )
            join quality.rule using (rule)
            union all
            select
                kept.rule, message.data_model, kept.path, kept.value, '', 1,
                cast(timezone('UTC', coalesce(message.event_at, message.received_at)) as date),
                coalesce(message.event_type, ''), coalesce(message.source_id, ''), rule.severity
            from (
                select message_id, path, rule, received as value from core.received_form
                union all
                select message_id, path, reason, value from core.unplaced_value
                where reason not like 'value_not_supported%'
            ) as kept
            join core.message using (message_id)
            join quality.rule on rule.rule = kept.rule
        )
        select rule, data_model, path, value, max(suggestion), cast(sum(findings) as bigint)
        from received
        where {condition}
        group by rule, data_model, path, value
        order by sum(findings) desc, rule, data_model, path, value
        limit {int(limit)}
    """
    return [ReceivedValue(*row) for row in connection.execute(query, values).fetchall()]


def count_open_quarantine(connection: duckdb.DuckDBPyConnection) -> int:
    """How many items are not loadable messages and neither replayed nor resolved."""
    query = "select count(*) from core.quarantine where state = 'open'"
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def explain_rules(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[str, str]]:
    """Meaning and action of every rule."""
    rows = connection.execute("select rule, meaning, action from quality.rule").fetchall()
    return {rule: (meaning, action) for rule, meaning, action in rows}


def _condition(chosen: Chosen) -> tuple[str, list[Any]]:
    """An SQL condition on the columns that every source of findings has, and its values."""
    conditions: list[str] = []
    values: list[Any] = []
    for column, wanted in (
        ("severity", chosen.severities),
        ("rule", chosen.rules),
        ("data_model", chosen.data_models),
        ("event_type", chosen.event_types),
        ("source_id", chosen.sources),
    ):
        if wanted:
            conditions.append(f"{column} in ({', '.join('?' * len(wanted))})")
            values += wanted
    if chosen.path:
        conditions.append(
            "(path = ? or starts_with(path, ? || '.') or starts_with(path, ? || '['))"
        )
        values += [chosen.path] * 3
    for column, day in (("day >=", chosen.since), ("day <", chosen.until)):
        if day is not None:
            conditions.append(f"{column} ?")
            values.append(day)
    return " and ".join(conditions) or "true", values


def _positions(ordinals: Any) -> tuple[int, ...]:
    """Ordinals from INTEGER[], or from text such as 2.1 where they were published."""
    numbers = ordinals.split(".") if isinstance(ordinals, str) else ordinals
    return tuple(int(number) for number in numbers or () if number != "")


__all__ = [
    "DEFAULT_GROUPS",
    "GROUPS",
    "SEVERITIES",
    "Chosen",
    "FindingGroup",
    "FindingPlace",
    "ReceivedValue",
    "count_findings",
    "count_open_quarantine",
    "explain_rules",
    "find_places",
    "find_values",
]
