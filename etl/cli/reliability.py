"""`redox-warehouse reliability`: how often each field is filled, beside its rating."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from duckdb import DuckDBPyConnection

from etl.cli.completion import EVENT, MODEL
from etl.cli.tables import Column, is_terminal, print_table, say, wide_option
from etl.errors import UsageFault
from etl.known_names import look_up
from etl.pipeline.catalog_cache import site_catalog
from etl.plurals import counted
from etl.queries.reading import open_for_reading
from etl.report.attention import Kind
from etl.report.build import write_page
from etl.report.changes import ChangeGroup
from etl.report.facts import read_facts
from etl.report.labels import LABELS
from etl.report.names import EVENT_TYPE_SQL, SOURCE_SQL
from etl.report.overview import Card
from etl.report.records import DAYS_IN_REPORT, Facts, ReportOptions, Verdict
from etl.report.senders import name_senders
from etl.report.source_names import read_source_names
from etl.report.terminal import BelowLine, Digest, FieldLine, digest
from etl.settings import Settings
from models.catalog.rating_share import rating_share

VERDICT_COLORS = {
    f"{LABELS[verdict].sign} {LABELS[verdict].name}": color
    for verdict, color in (
        (Verdict.BELOW, "red"), (Verdict.ABOVE, "magenta"), (Verdict.MET, "green")
    )
} | {"\N{ALMOST EQUAL TO} Perhaps met": "yellow"}  # fmt: skip
KIND_COLORS = {Kind.BELOW: "red", Kind.SILENT: "red", Kind.CHANGED: "yellow"}


def _rate(rate: float) -> str:
    return f"{100 * rate:.1f}%"


RATES = (
    Column("rate", title="filled", is_number=True, show=_rate),
    Column("interval", rank=4, is_number=True),
    Column("messages", rank=3, is_number=True),
)
BELOW = (
    Column("path", title="field", is_path=True),
    Column("source", is_text=True),
    Column("since", rank=1),
    Column("rating", rank=2),
    *RATES,
    Column("basis", rank=5),
    Column("data_model", rank=6),
    Column("event_type", title="event", rank=7),
    Column("checks", rank=8, is_number=True),
)
FIELDS = (
    Column("verdict", colors=VERDICT_COLORS),
    Column("path", title="field", is_path=True),
    Column("event_type", title="event", rank=2),
    *RATES,
    Column("rating", rank=1),
    Column("basis", rank=5),
)
HIDDEN_IN_ALL = ("data_model", "source", "source_id")
MOST_SENTENCES = 10


@click.command()
@click.option(
    "--model", "data_model", default="", type=MODEL, help="Data model, as in Meta.DataModel."
)
@click.option("--source", default="", help="Meta.Source.ID, its name, or an organization.")
@click.option("--event", "event_type", default="", type=EVENT, help="Event type.")
@click.option("--all", "shows_all", is_flag=True, help="List every check, not only what is wrong.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the HTML report to this file as well.")  # fmt: skip
@click.option("--include-test", is_flag=True, help="Include test messages, as separate senders.")
@click.option("--suppress-below", type=click.IntRange(0), default=0,
              help="Hide counts above 0 that are below this number.")  # fmt: skip
@click.option("--limit", type=click.IntRange(0), default=20, show_default=True,
              help="Maximum number of fields, 0 for all; --all and --json: per model and source.")  # fmt: skip
@wide_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def reliability(
    settings: Settings,
    /,
    data_model: str,
    source: str,
    event_type: str,
    shows_all: bool,
    report: Path | None,
    include_test: bool,
    suppress_below: int,
    limit: int,
    wide: bool,
    as_json: bool,
) -> None:
    """Show which fields are filled less often than rated.

    Begins with a summary and what to look at first, then lists the fields that are below their
    rating and what changed; --all lists every check. Reads the published version, or the warehouse
    before the first one. Prints paths and counts, never a value.

    \b
    Examples:
      redox-warehouse reliability
      redox-warehouse reliability --model PatientAdmin --event Arrival --all
      redox-warehouse reliability --report reliability.html --suppress-below 11
      redox-warehouse reliability --json --limit 0 | jq '.groups[].fields[].path'
    """
    catalog = site_catalog(settings)
    options = ReportOptions(
        generated_at=datetime.now(UTC),
        data_model=data_model,
        source_id=source,
        event_type=event_type,
        include_test=include_test,
        suppress_below=suppress_below,
        max_days=DAYS_IN_REPORT if report else 0,
        source_titles={code: source.title for code, source in catalog.sources.items()},
        ratings=str(rating_share(catalog)),
    )
    with open_for_reading(settings) as connection:
        facts = read_facts(connection, options)
        if not facts.feeds.num_rows:
            _refuse(connection, options)
    if report is not None:
        write_page(facts, report, options=options)
    senders = name_senders(facts, suppress_below=suppress_below)
    found = digest(facts, senders, limit=limit, suppress_below=suppress_below)
    if as_json:
        click.echo(json.dumps(_answer(found, facts, report), indent=1, default=str))
        return
    printing = _Printing(suppress_below, limit, wide)
    printing.print_summary(found, facts)
    if shows_all:
        printing.print_all(found)
    else:
        printing.print_below(found.below)
        _print_sentences("Also changed", [_change(group) for group in found.more_changes])
        _print_sentences("Also silent", [f"{one.sentence}." for one in found.more_silences])
        say()
        say("`redox-warehouse reliability --all` lists every check.")
    if report is not None:
        say(f"The report is in {report}.")


def _refuse(connection: DuckDBPyConnection, options: ReportOptions) -> None:
    """Raise UsageFault: no messages fit; names that stand for nothing get the nearest ones."""
    query = "select distinct {} from quality.message_count where not is_test or $1"
    asked = (
        (options.data_model, "data model", query.format("data_model")),
        (options.event_type, "event type", query.format(EVENT_TYPE_SQL)),
        (options.source_id, "source", query.format(SOURCE_SQL)),
    )
    for name, kind, select in asked:
        rows = connection.execute(select, [True]).fetchall()
        known = {row[0]: row[0] for row in rows if row[0] not in ("", "*")}
        if kind == "source":
            known |= {name: name for name in read_source_names(connection).values()}
        if name and known:
            look_up([name], known, kind)
    if any(name for name, _, _ in asked):
        raise UsageFault(
            "No messages fit all of these choices; run `redox-warehouse reliability` without "
            "options to see what there is."
        )
    raise UsageFault("No messages are loaded yet; run `redox-warehouse load` first.")


@dataclass(frozen=True, slots=True)
class _Printing:
    """How much is printed, and how small counts are worded."""

    suppress_below: int
    limit: int
    wide: bool

    def print_summary(self, found: Digest, facts: Facts) -> None:
        """The first screen: what was checked, the result, what to look at first."""
        total, scope = found.overview.total, facts.scope
        sources = len({group.card.source for group in found.groups})
        say(
            f"{total.messages_text} messages of {counted(sources, 'source')}, {scope.first_day} to "
            f"{scope.last_day}. {found.summary}"
        )
        if found.falls_back_to_test:
            say("Only test messages were received; these are shown.")
        if found.attention:
            say()
            say("Look at first", bold=True)
        for one in found.attention:
            color = KIND_COLORS[one.kind]
            say(one.sentence, lead=f"{one.who}:", indent="- ", fg=color, bold=True)

    def print_below(self, lines: Sequence[BelowLine]) -> None:
        """The fields below their rating, each once, with the worst of its checks."""
        say()
        if not lines:
            say("No field is below its rating.")
            return
        shown = lines[: self.limit or None]
        rows = [{**asdict(line), **self._counts(line)} for line in shown]
        print_table(rows, BELOW, title="Below their rating", wide=self.wide)
        self._say_more(len(lines) - len(shown))

    def print_all(self, found: Digest) -> None:
        """Every check, per data model and source."""
        if not is_terminal():
            rows = [self._field(line) for group in found.groups for line in group.lines]
            print_table(rows, [*map(Column, HIDDEN_IN_ALL), *FIELDS])
            self._say_more(sum(group.more for group in found.groups))
            return
        for group in found.groups:
            say()
            say(f"{group.card.data_model} · {group.card.sender}", bold=True)
            say(f"{_messages(group.card)}: {_verdicts(group.card)}.")
            if group.lines:
                print_table([self._field(line) for line in group.lines], FIELDS, wide=self.wide)
            self._say_more(group.more)

    def _field(self, line: FieldLine) -> dict[str, Any]:
        label = LABELS[line.verdict]
        is_perhaps = line.certainty == "perhaps"
        words = "\N{ALMOST EQUAL TO} Perhaps met" if is_perhaps else f"{label.sign} {label.name}"
        verdict = words if is_terminal() else line.verdict.value
        return {**asdict(line), **self._counts(line), "verdict": verdict}

    def _counts(self, line: FieldLine | BelowLine) -> dict[str, Any]:
        interval = None
        if line.rate_low is not None and line.rate_high is not None:
            interval = f"{_rate(line.rate_low)} - {_rate(line.rate_high)}"
        messages = f"<{self.suppress_below}" if line.messages is None else line.messages
        return {"interval": interval, "messages": messages}

    def _say_more(self, more: int) -> None:
        if more:
            hint = "--limit 0 shows all" if self.limit else "unrated and never filled"
            say(f"… and {more:,} more ({hint}).", dim=True)


def _messages(card: Card) -> str:
    return f"{card.messages_text} {'message' if card.messages_text == '1' else 'messages'}"


def _verdicts(card: Card) -> str:
    return ", ".join(
        f"{number:,} {LABELS[verdict].name.lower()}"
        for verdict in Verdict
        if (number := card.verdicts.get(verdict, 0))
    )


def _change(group: ChangeGroup) -> str:
    return f"{group.sentence} ({', '.join(group.data_models)})."


def _print_sentences(title: str, sentences: Sequence[str]) -> None:
    if not sentences:
        return
    say()
    say(title, bold=True)
    for sentence in sentences[:MOST_SENTENCES]:
        say(sentence, indent="- ")
    if len(sentences) > MOST_SENTENCES:
        say(f"… and {len(sentences) - MOST_SENTENCES:,} more in --json.", dim=True)


def _answer(found: Digest, facts: Facts, report: Path | None) -> dict[str, Any]:
    total = found.overview.total
    return {
        "first_day": facts.scope.first_day,
        "last_day": facts.scope.last_day,
        "shows_test": facts.scope.shows_test,
        "headline": found.headline,
        "summary": found.summary,
        "messages": total.messages,
        "messages_text": total.messages_text,
        "checks": total.checks,
        "rated": found.overview.rated,
        "evaluated": total.evaluated,
        "verdicts": total.verdicts,
        "failing": found.overview.failing,
        "attention": [asdict(one) for one in found.attention],
        "below": [asdict(line) for line in found.below],
        "groups": [
            {
                "data_model": group.card.data_model,
                "source": group.card.sender,
                "source_id": group.card.source,
                "messages": group.card.messages,
                "messages_text": group.card.messages_text,
                "verdicts": group.card.verdicts,
                "fields": [asdict(line) for line in group.lines],
                "fields_left_out": group.more,
            }
            for group in found.groups
        ],
        "changes": [_change(group) for group in found.changes],
        "silences": [f"{one.sentence}." for one in found.silences],
        "report": None if report is None else str(report),
    }
