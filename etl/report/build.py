"""Builds the HTML report: one file, no network, everything in it.

What it tells is read in `facts`, counted in `overview`, grouped in `changes`, and carried to the
page's scripts by `payload`; here it is only put together and written.
"""

from __future__ import annotations

import errno
import os
import re
from importlib.resources import files
from pathlib import Path

import duckdb
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from etl.atomic import own_folder
from etl.errors import UsageFault
from etl.report.attention import count_below, headline, list_attention, sum_up
from etl.report.changes import day_text, group_changes, list_silences, percent
from etl.report.facts import read_facts
from etl.report.found import show_findings
from etl.report.labels import LABELS
from etl.report.overview import Overview, build_overview
from etl.report.payload import BASES, build_payload, to_json
from etl.report.records import Facts, ReportOptions, ReportSummary, Verdict
from etl.report.senders import Senders, name_senders

STYLES = ("tokens.css", "page.css", "parts.css", "grid.css", "print.css")
SCRIPTS = (
    "data.js",
    "draw.js",
    "sheet.js",
    "heat.js",
    "table.js",
    "export.js",
    "page.js",
    "link.js",
)
MOST_ATTENTION = 6


def build_report(
    connection: duckdb.DuckDBPyConnection, out_path: Path, *, options: ReportOptions
) -> ReportSummary:
    """Write the report to `out_path`, readable by its owner only, and say what is in it.

    `connection` has the views of schema `quality`; it may be read-only.
    """
    return write_page(read_facts(connection, options), out_path, options=options)


def write_page(facts: Facts, out_path: Path, *, options: ReportOptions) -> ReportSummary:
    """Write the report of facts that were read with the same options."""
    senders = name_senders(facts, suppress_below=options.suppress_below)
    overview = build_overview(facts, senders, suppress_below=options.suppress_below, worst=-1)
    page = _render(facts, senders, overview, options)
    _write(page, out_path)
    return ReportSummary(
        sources=senders.sources,
        messages=senders.messages,
        fields=overview.total.checks,
        verdicts=overview.total.verdicts,
        failing=overview.failing,
        fields_below=count_below(overview),
        changes=facts.changes.num_rows,
        silences=facts.silences.num_rows,
        shows_test=facts.scope.shows_test,
        size_bytes=len(page),
    )


def _render(facts: Facts, senders: Senders, overview: Overview, options: ReportOptions) -> bytes:
    environment = Environment(
        loader=PackageLoader("etl.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = lambda number: f"{number:,}"
    environment.filters["day"] = day_text
    environment.filters["opening"] = lambda text: text[:1].upper() + text[1:]
    environment.filters["percent"] = percent
    environment.filters["breakable"] = _breakable
    payload = build_payload(facts, senders, options)
    payload["labels"] = {
        verdict.value: [LABELS[verdict].sign, LABELS[verdict].name, LABELS[verdict].meaning]
        for verdict in Verdict
    }
    changes = group_changes(facts, senders, suppress_below=options.suppress_below)
    silences = list_silences(facts, senders)
    page = environment.get_template("report.html").render(
        styles=read_assets(STYLES),
        scripts=read_assets(SCRIPTS),
        data=Markup(to_json(payload)),
        facts=facts,
        senders=senders,
        overview=overview,
        options=options,
        changes=changes,
        silences=silences,
        headline=headline(overview, changes, silences),
        summary=sum_up(overview),
        attention=list_attention(overview, changes, silences, most=MOST_ATTENTION),
        findings=show_findings(
            facts.findings,
            suppress_below=options.suppress_below,
            last_day=facts.scope.last_day,
            days=len(payload["days"]),
        ),
        labels=LABELS,
        verdicts=tuple(Verdict),
        bases=BASES[1:],
        Verdict=Verdict,
    )
    return page.encode()


def _breakable(name: str) -> Markup:
    """Paths and rules break after a dot or an underscore only, never within a word."""
    return Markup(re.sub(r"([._])", r"\1<wbr>", str(escape(name))))


def read_assets(names: tuple[str, ...]) -> Markup:
    """Styles or scripts of pages, one after the other, to stand in a page."""
    folder = files("etl.report") / "templates"
    return Markup("\n".join((folder / name).read_text("utf-8") for name in names))


def _write(page: bytes, out_path: Path) -> None:
    """Write to a neighbouring name first: nobody ever opens half a report."""
    partial = out_path.with_name(f".{out_path.name}.{os.getpid()}.partial")
    try:
        own_folder(out_path.parent)
        partial.touch(mode=0o600)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise UsageFault(
            f"The report cannot be written to {out_path} ({os.strerror(error.errno or 0).lower()}); "
            "name another file."
        ) from error
    try:
        partial.write_bytes(page)
        partial.replace(out_path)
    finally:
        partial.unlink(missing_ok=True)
