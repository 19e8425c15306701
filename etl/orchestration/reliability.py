"""Reliability: the report as an asset, and a check per data model that its ratings are kept."""

from collections.abc import Iterator

import dagster as dg

from etl.answers.reliability_checks import (
    FailingField,
    ModelReliability,
    judge_reliability,
    write_report,
)
from etl.orchestration.boundary import told_to_dagster
from etl.orchestration.graph import PUBLISHED, PUBLISHING, REPORT, Graph, model_key
from etl.orchestration.home import Home
from etl.plurals import counted, is_or_are
from models.catalog.records import DataModel

RATINGS = "ratings_kept"
CHECK_STEP = "check_ratings"
COLUMNS = (
    ("messages_populated", "int"),
    ("messages", "int"),
    ("rating", "string"),
    ("path", "string"),
    ("event_type", "string"),
    ("source_id", "string"),
)


def build_report_asset(graph: Graph) -> dg.AssetsDefinition:
    """The report of how often each field is there, beside what Redox documents."""
    spec = graph.spec(
        REPORT,
        "How often each field of each feed is really there, beside the reliability Redox documents: "
        "one HTML file without patient data, for executives and engineers.",
        group=PUBLISHING,
        kinds={"html"},
        deps=[PUBLISHED],
    )

    @dg.multi_asset(name=REPORT.path[-1], specs=[spec])
    def reliability_report(
        context: dg.AssetExecutionContext, home: Home
    ) -> dg.MaterializeResult[None]:
        settings = home.read_settings()
        with told_to_dagster(context, settings):
            path, told = write_report(settings)
            return dg.MaterializeResult(
                metadata={
                    "report": dg.MetadataValue.path(path),
                    "sources": told.sources,
                    "messages": told.messages,
                    "fields": told.fields,
                    "surely_below_rating": told.failing,
                    "changes": told.changes,
                    "silences": told.silences,
                    "bytes": told.size_bytes,
                    **{f"verdict_{verdict}": count for verdict, count in told.verdicts.items()},
                }
            )

    return reliability_report


def ratings_check_key(model: DataModel) -> dg.AssetCheckKey:
    """The check of a data model's ratings."""
    return dg.AssetCheckKey(model_key(model), RATINGS)


def build_ratings_checks(graph: Graph) -> dg.AssetChecksDefinition:
    """Warns per data model; a data model that was never seen gives no result."""
    specs = [
        dg.AssetCheckSpec(
            RATINGS,
            asset=model_key(model),
            description="No rated field is surely filled less often than its rating says; inferred "
            "ratings and test messages never fail it",
        )
        for model in graph.models
    ]

    @dg.multi_asset_check(name=CHECK_STEP, specs=specs, can_subset=True)
    def check_ratings(
        context: dg.AssetCheckExecutionContext, home: Home
    ) -> Iterator[dg.AssetCheckResult]:
        settings = home.read_settings()
        with told_to_dagster(context.op_execution_context, settings):
            judged = judge_reliability(settings)
            for model in graph.models:
                chosen = ratings_check_key(model) in context.selected_asset_check_keys
                if chosen and model.name in judged:
                    yield _result(model, judged[model.name])

    return check_ratings


def _result(model: DataModel, reliability: ModelReliability) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=model_key(model),
        check_name=RATINGS,
        passed=reliability.failing == 0,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{counted(reliability.failing, 'rated field')} {is_or_are(reliability.failing)} "
        "surely filled less often than rated"
        + ("; `redox-warehouse reliability` tells which." if reliability.failing else "."),
        metadata={
            "surely_below_rating": reliability.failing,
            **{f"verdict_{verdict}": count for verdict, count in reliability.verdicts.items()},
            **({"worst_fields": _table(reliability.worst)} if reliability.worst else {}),
        },
    )


def _table(fields: tuple[FailingField, ...]) -> dg.MetadataValue:
    schema = dg.TableSchema([dg.TableColumn(name, kind) for name, kind in COLUMNS])
    records = [
        dg.TableRecord({name: getattr(field, name) for name, _ in COLUMNS}) for field in fields
    ]
    return dg.MetadataValue.table(records, schema)
