"""`redox-warehouse reliability`: how often each field is there, beside its rating."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from etl.answers.reading import open_for_reading
from etl.cli.tables import width
from etl.errors import UsageFault
from etl.report.build import write_page
from etl.report.changes import percent
from etl.report.facts import read_facts
from etl.report.labels import LABELS
from etl.report.overview import Card
from etl.report.records import DAYS_IN_REPORT, Facts, ReportOptions, Verdict
from etl.report.senders import name_senders
from etl.report.terminal import FieldLine, Group, Tale, tell
from etl.settings import Settings
from models.catalog import read_catalog

STYLES = {Verdict.BELOW: "red", Verdict.ABOVE: "magenta", Verdict.MET: "green"}
MOST_SENTENCES = 10


@click.command()
@click.option("--model", "data_model", default="", help="Data model, as in Meta.DataModel.")
@click.option("--source", default="", help="Meta.Source.ID, or the name of an organization.")
@click.option("--event", "event_type", default="", help="Event type.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the HTML report to this file as well.")  # fmt: skip
@click.option("--include-test", is_flag=True, help="Test messages too, as senders of their own.")
@click.option("--suppress-below", type=click.IntRange(0), default=0,
              help="Hide counts from 1 to this minus 1.")  # fmt: skip
@click.option("--limit", type=click.IntRange(0), default=10, show_default=True,
              help="Fields per data model and source; 0 for all.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def reliability(
    settings: Settings,
    /,
    data_model: str,
    source: str,
    event_type: str,
    report: Path | None,
    include_test: bool,
    suppress_below: int,
    limit: int,
    as_json: bool,
) -> None:
    """Tell how often each field is really there, and whether it keeps its rating.

    Per data model and source, worst first. Reads the published version, or the warehouse before
    the first one. Prints paths and counts, never a value.

    \b
    Examples:
      redox-warehouse reliability
      redox-warehouse reliability --model PatientAdmin --event Arrival --limit 0
      redox-warehouse reliability --report reliability.html --suppress-below 11
      redox-warehouse reliability --json | jq '.groups[].fields[] | select(.fails_check)'
    """
    options = ReportOptions(
        generated_at=datetime.now(UTC),
        data_model=data_model,
        source_id=source,
        event_type=event_type,
        include_test=include_test,
        suppress_below=suppress_below,
        max_days=DAYS_IN_REPORT if report else 0,
        source_titles=_source_titles(settings),
    )
    with open_for_reading(settings) as connection:
        facts = read_facts(connection, options)
    _require_messages(facts, options)
    if report is not None:
        write_page(facts, report, options=options)
    senders = name_senders(facts, suppress_below=suppress_below)
    tale = tell(facts, senders, limit=limit, suppress_below=suppress_below)
    if as_json:
        click.echo(json.dumps(_answer(tale, facts, report), indent=1, default=str))
        return
    _print(tale, Console(width=width()), suppress_below, limit)
    if report is not None:
        click.echo(f"The report is in {report}.")


def _source_titles(settings: Settings) -> dict[str, str]:
    sources = read_catalog(settings.catalog_path).sources
    return {code: source.title for code, source in sources.items()}


def _require_messages(facts: Facts, options: ReportOptions) -> None:
    if facts.feeds.num_rows:
        return
    chosen = [name for name in (options.data_model, options.source_id, options.event_type) if name]
    if chosen:
        raise UsageFault(
            f"No messages fit {', '.join(chosen)}; run `redox-warehouse reliability` without "
            "options to see what there is."
        )
    raise UsageFault("No messages are loaded yet; run `redox-warehouse load` first.")


def _print(tale: Tale, console: Console, suppress_below: int, limit: int) -> None:
    if tale.falls_back_to_test:
        console.print("Only test messages were received; these are they.")
    for group in tale.groups:
        _print_group(group, console, suppress_below, limit)
    _print_sentences("Silent", tale.silences, console)
    _print_sentences("Changed", tale.changes, console)
    total = tale.total
    if total.judged:
        below = total.verdicts.get(Verdict.BELOW, 0)
        console.print(
            f"{percent(total.kept or 0)} of {total.judged:,} judged checks keep their "
            f"rating, {below:,} {'falls' if below == 1 else 'fall'} below it, {tale.failing:,} of "
            "these by a documented or expected one."
        )
    else:
        console.print("Nothing can be judged yet: no rated field has enough messages.")


def _print_group(group: Group, console: Console, suppress_below: int, limit: int) -> None:
    counts = ", ".join(
        f"{number:,} {LABELS[verdict].name.lower()}"
        for verdict in Verdict
        if (number := group.card.verdicts.get(verdict, 0))
    )
    console.print(f"\n[bold]{escape(group.card.data_model)} · {escape(group.card.sender)}[/bold]"
                  f"  {_messages(group.card)}: {counts}")  # fmt: skip
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("verdict", "field", "event", "rating"):
        table.add_column(name, overflow="fold")
    for name in ("filled", "interval", "of messages"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in group.lines:
        table.add_row(*_cells(line, suppress_below))
    console.print(table)
    if group.more:
        told = (
            "; --limit 0 shows all."
            if limit
            else " that nobody rates and nobody fills; --model NAME shows them."
        )
        console.print(f"… and {group.more:,} more{told}", style="dim")


def _messages(card: Card) -> str:
    return f"{card.messages_text} {'message' if card.messages_text == '1' else 'messages'}"


def _cells(line: FieldLine, suppress_below: int) -> tuple[str, ...]:
    label = LABELS[line.verdict]
    style = STYLES.get(line.verdict, "dim")
    rating = f"{line.rating} ({line.basis})" if line.rating else "none"
    is_perhaps = line.certainty == "perhaps"
    name = "Perhaps met" if is_perhaps else label.name
    sign = "≈" if is_perhaps else label.sign
    return (
        f"[{'yellow' if is_perhaps else style}]{sign} {name}[/]",
        escape(line.path),
        escape(line.event_type),
        rating,
        "hidden" if line.rate is None and suppress_below else _rate(line.rate),
        "" if line.rate_low is None else f"{_rate(line.rate_low)} - {_rate(line.rate_high)}",
        f"<{suppress_below}" if line.messages is None else f"{line.messages:,}",
    )


def _rate(rate: float | None) -> str:
    return "" if rate is None else f"{100 * rate:.1f} %"


def _print_sentences(title: str, sentences: tuple[str, ...], console: Console) -> None:
    if not sentences:
        return
    console.print(f"\n[bold]{title}[/bold]")
    for sentence in sentences[:MOST_SENTENCES]:
        console.print(f"  {escape(sentence)}")
    if len(sentences) > MOST_SENTENCES:
        console.print(f"  … and {len(sentences) - MOST_SENTENCES:,} more in --json.", style="dim")


def _answer(tale: Tale, facts: Facts, report: Path | None) -> dict[str, Any]:
    return {
        "first_day": facts.scope.first_day,
        "last_day": facts.scope.last_day,
        "shows_test": facts.scope.shows_test,
        "messages": tale.total.messages,
        "messages_text": tale.total.messages_text,
        "verdicts": tale.total.verdicts,
        "failing": tale.failing,
        "groups": [
            {
                "data_model": group.card.data_model,
                "source": group.card.sender,
                "messages": group.card.messages,
                "messages_text": group.card.messages_text,
                "verdicts": group.card.verdicts,
                "fields": [asdict(line) for line in group.lines],
                "fields_left_out": group.more,
            }
            for group in tale.groups
        ],
        "changes": tale.changes,
        "silences": tale.silences,
        "report": None if report is None else str(report),
    }
