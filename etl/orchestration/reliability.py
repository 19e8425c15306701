"""Reliability: the report as an asset, and the check that ratings are kept, which it brings along."""

from collections.abc import Iterator

import dagster as dg

from etl.orchestration.boundary import told_to_dagster
from etl.orchestration.graph import PUBLISHED, PUBLISHING, REPORT, Graph
from etl.orchestration.home import Home
from etl.orchestration.tables import count_table, markdown_table
from etl.plurals import counted, is_or_are
from etl.queries.reliability_checks import (
    FailingField,
    Headline,
    judge_reliability,
    read_headline,
    write_report,
)
from etl.report.records import ReportSummary
from etl.report.source_names import SourceLabel
from etl.settings import Settings

RATINGS = "ratings_kept"


def build_report_asset(graph: Graph) -> dg.AssetsDefinition:
    """The report of how often each field is there, beside what Redox documents."""
    spec = graph.spec(
        REPORT,
        "How often each field of each feed is actually filled, compared with its documented reliability: "
        "one HTML file without patient data, for executives and engineers.",
        group=PUBLISHING,
        kinds={"html"},
        deps=[PUBLISHED],
    )

    @dg.multi_asset(name=REPORT.path[-1], specs=[spec], check_specs=list(report_check_specs()))
    def reliability_report(
        context: dg.AssetExecutionContext, home: Home
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        settings = home.read_settings()
        with told_to_dagster(context, settings):
            path, summary = write_report(settings)
            headline = read_headline(settings)
            yield dg.MaterializeResult(
                REPORT,
                metadata={
                    "headline": dg.MetadataValue.md(describe_report(summary, headline)),
                    "path": dg.MetadataValue.path(path),
                    "sources": summary.sources,
                    "messages": summary.messages,
                    "fields": summary.fields,
                    "surely_below_rating": summary.failing,
                    "changes": summary.changes,
                    "silences": summary.silences,
                    "bytes": summary.size_bytes,
                    **{f"verdict_{name}": count for name, count in summary.verdicts.items()},
                },
            )
            yield _check(settings, summary, headline)

    return reliability_report


def report_check_specs() -> Iterator[dg.AssetCheckSpec]:
    """The check that comes with the report."""
    yield dg.AssetCheckSpec(
        RATINGS,
        asset=REPORT,
        description="No rated field is surely filled less often than its rating says; inferred "
        "ratings and test messages never fail it",
    )


def describe_report(summary: ReportSummary, headline: Headline) -> str:
    """Return what the report says, as Markdown: headline, worst fields, changes, silent senders."""
    parts = [
        f"**{_below(summary)}** in {counted(summary.messages, 'message')} of "
        f"{counted(summary.sources, 'source')}: {summary.failing:,} of {counted(summary.fields, 'check')}, "
        "each of a source, an event type and a field.",
    ]
    if headline.worst:
        parts += ["Worst fields:", _worst_table(headline.worst)]
    for title, lines in (("Changes", headline.changes), ("Silent senders", headline.silences)):
        listed = "\n".join(f"- {line}" for line in lines) if lines else "none"
        parts.append(f"{title}:\n\n{listed}" if lines else f"{title}: none")
    return "\n\n".join(parts)


def _below(summary: ReportSummary) -> str:
    fields = summary.fields_below
    if not fields:
        return "No field is below its rating"
    whose = "its" if fields == 1 else "their"
    return f"{counted(fields, 'field')} {is_or_are(fields)} below {whose} rating"


def _worst_table(fields: tuple[FailingField, ...]) -> str:
    header = ("filled", "rating", "field", "data model", "event type", "source")
    rows = [
        (
            f"{field.messages_populated / field.messages:.1%} of {field.messages:,}",
            field.rating,
            f"`{field.path}`",
            field.data_model,
            field.event_type,
            SourceLabel(field.source_id, field.source_name).text,
        )
        for field in fields
    ]
    return markdown_table(header, rows)


def _check(settings: Settings, summary: ReportSummary, headline: Headline) -> dg.AssetCheckResult:
    failing = {
        name: model.failing for name, model in judge_reliability(settings).items() if model.failing
    }
    total = sum(failing.values())
    more = (
        f": {counted(total, 'check')}; `redox-warehouse reliability` lists them." if total else "."
    )
    return dg.AssetCheckResult(
        asset_key=REPORT,
        check_name=RATINGS,
        passed=total == 0,
        severity=dg.AssetCheckSeverity.WARN,
        description=_below(summary) + more,
        metadata={
            "surely_below_rating": total,
            **(
                {"by_data_model": count_table("data_model", "checks", failing.items())}
                if total
                else {}
            ),
            **(
                {"worst_fields": dg.MetadataValue.md(_worst_table(headline.worst))} if total else {}
            ),
        },
    )
