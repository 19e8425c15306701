"""Tables of what was measured: for the terminal, for docs/performance.md, as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.contenders import CONTENDERS
from benchmarks.goals import Verdict
from benchmarks.runner import Series
from benchmarks.steps import Costs, costs_table

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
_VERDICTS = {True: "met", False: "not met", None: "-"}
_HEADER = (
    "| what | messages | threads | seconds (min to max) | CPU s | MB/s | messages/s | peak MB "
    "| times of ours |",
    "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
)
_TITLES = {
    "limits": "the load beside bare SQL and parsing alone",
    "peers": "beside other tools",
    "long dlt": "beside dlt, more messages",
    "damage": "damaged messages",
    "growth": "growth",
    "standing": "100 new messages into an empty and a full warehouse",
    "kernel": "reading alone beside parsing alone",
    "against": "beside the earlier commit",
    "start": "100 new messages, from process start to exit",
    "extensions": "messages with Extensions",
    "files": "files of one message",
    "locks": "a load beside a reader",
    "marts": "all marts over a million coherent messages",
    "memory": "two gigabytes in one command",
}


def to_markdown(
    facts: Mapping[str, str],
    series: Sequence[Series],
    verdicts: Sequence[Verdict],
    costs: Sequence[Costs] = (),
) -> str:
    """Everything that was measured, as Markdown."""
    parts = [*_facts(facts), *_goals(verdicts), *(costs_table(costs) if costs else ())]
    return "\n".join([*parts, *_tables(series)]) + "\n"


def to_json(facts: Mapping[str, str], series: Sequence[Series], verdicts: Sequence[Verdict]) -> str:
    """The same as data."""
    goals = [{name: getattr(v, name) for name in Verdict.__slots__} for v in verdicts]
    content = {"machine": facts, "series": [s.to_json() for s in series], "goals": goals}
    return json.dumps(content, indent=1)


def replace_figures(page: Path, markdown: str) -> None:
    """Put the tables between the two marks of a page."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{markdown}{END}{after}")


def _facts(facts: Mapping[str, str]) -> Iterator[str]:
    yield "| machine | |"
    yield "|---|---|"
    for name, fact in facts.items():
        yield f"| {name} | {fact} |"
    yield ""


def _goals(verdicts: Sequence[Verdict]) -> Iterator[str]:
    yield "| goal | workload | wanted | measured | |"
    yield "|---|---|---:|---:|---|"
    for v in verdicts:
        measured = f"{v.title} | {v.workload} | {v.wanted} | {v.measured}"
        yield f"| {measured} | {_VERDICTS[v.is_met]} |"
    yield ""


def _tables(series: Sequence[Series]) -> Iterator[str]:
    for workload in dict.fromkeys(s.workload for s in series):
        own = [s for s in series if s.workload == workload]
        yield f"### {workload}"
        yield ""
        for scenario in dict.fromkeys(s.scenario for s in own):
            yield f"{workload}: {_TITLES[scenario]}"
            yield ""
            yield from _HEADER
            of_scenario = [s for s in own if s.scenario == scenario]
            for s in of_scenario:
                yield _row(s, _base(s, of_scenario))
            yield ""
            for s in of_scenario:
                yield from _further_figures(s)


def _further_figures(series: Series) -> Iterator[str]:
    """What a contender measured beside its own time."""
    if not series.figures:
        return
    yield "| beside it | seconds (min to max) |"
    yield "|---|---:|"
    for name, found in series.figures.items():
        yield f"| {name} | {median(found):.2f} ({min(found):.2f} to {max(found):.2f}) |"
    yield ""


def _base(series: Series, others: Sequence[Series]) -> Series | None:
    """What a row is compared with: ours with the same messages and threads, the first one."""
    like = (series.messages, series.threads)
    found = (o for o in others if o.contender == "ours" and (o.messages, o.threads) == like)
    return next(found, None)


def _row(series: Series, base: Series | None) -> str:
    title = CONTENDERS[series.contender].title
    if series.case != series.contender:
        title = f"{title} ({series.case.removesuffix(series.contender).strip()})"
    if series.note:
        title = f"{title}; {series.note}"
    cells = [title, f"{series.messages:,}", str(series.threads), *_figures(series, base)]
    return f"| {' | '.join(cells)} |"


def _figures(series: Series, base: Series | None) -> list[str]:
    seconds = series.median_s
    if seconds is None or series.is_stopped:
        return [series.failure, "", "", "", "", ""]
    ratio = f"{seconds / base.median_s:.2f}" if base and base.median_s else ""
    cpu_s = sorted(series.cpu_s)[len(series.cpu_s) // 2]
    return [
        f"{seconds:.2f} ({min(series.seconds):.2f} to {max(series.seconds):.2f})",
        f"{cpu_s:.2f}",
        f"{series.size_bytes / seconds / 1e6:,.1f}",
        f"{series.messages / seconds:,.0f}",
        f"{series.peak / 1e6:,.0f}",
        ratio,
    ]
