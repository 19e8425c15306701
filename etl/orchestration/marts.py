"""The marts as assets: each with its columns, its rows, and the tests its header promises.

They are made with the published version; this step reports what is in it.
"""

from collections.abc import Iterator

import dagster as dg

from etl.marts.checks import BLOCK, MartCheck
from etl.marts.header import Header
from etl.orchestration.boundary import told_to_dagster
from etl.orchestration.graph import PUBLISHED, Graph
from etl.orchestration.home import Home
from etl.pipeline.reader_catalog import mart_headers, site_mart_checks
from etl.plurals import counted
from etl.queries.marts import CheckResult, MartFacts, read_published_marts
from etl.settings import Settings

MARTS = "marts"
MARTS_STEP = "report_marts"


def mart_key(name: str) -> dg.AssetKey:
    """The asset of a mart, by its qualified name."""
    return dg.AssetKey(name.split("."))


def mart_selection() -> dg.AssetSelection:
    """All marts and their checks."""
    return dg.AssetSelection.assets(*(mart_key(name) for name in mart_headers()))


def build_marts(graph: Graph, settings: Settings) -> dg.AssetsDefinition:
    """One multi-asset: a version makes all its marts at once."""
    headers = mart_headers()
    checks = site_mart_checks(settings)

    @dg.multi_asset(
        name=MARTS_STEP,
        specs=[_spec(graph, name, header) for name, header in headers.items()],
        check_specs=[_check_spec(check) for check in checks],
        can_subset=True,
    )
    def report_marts(
        context: dg.AssetExecutionContext, home: Home
    ) -> Iterator[dg.MaterializeResult[None]]:
        settings = home.read_settings()
        with told_to_dagster(context, settings):
            published = read_published_marts(settings)
            for mart in published.marts:
                if mart_key(mart.name) in context.selected_asset_keys:
                    yield _materialized(
                        mart,
                        published.version,
                        [
                            _result(check)
                            for check in published.checks
                            if check.mart == mart.name
                            and dg.AssetCheckKey(mart_key(check.mart), check.test)
                            in context.selected_asset_check_keys
                        ],
                    )

    return report_marts


def _spec(graph: Graph, name: str, header: Header) -> dg.AssetSpec:
    reads = [mart_key(read) for read in sorted(header.reads) if read.startswith("mart.")]
    key = f"\n\nKey: {', '.join(header.key)}." if header.key else ""
    return graph.spec(
        mart_key(name),
        f"{header.comment}\n\nOne row {header.grain.removeprefix('one row ')}.{key}",
        group=MARTS,
        kinds={"parquet", "table"},
        deps=[PUBLISHED, *reads],
        skippable=True,
        metadata={"dagster/table_name": name},
    )


def _check_spec(check: MartCheck) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        check.name,
        asset=mart_key(check.mart),
        description=f"{check.meaning}; if not, it {_consequence(check.severity)}",
    )


def _consequence(severity: str) -> str:
    return "prevents the version from being published" if severity == BLOCK else "warns"


def _materialized(
    mart: MartFacts, version: int, checks: list[dg.AssetCheckResult]
) -> dg.MaterializeResult[None]:
    columns = [
        dg.TableColumn(name, kind.lower(), description=meaning or None)
        for name, kind, meaning in mart.columns
    ]
    return dg.MaterializeResult(
        asset_key=mart_key(mart.name),
        metadata={
            "dagster/row_count": mart.rows,
            "dagster/column_schema": dg.MetadataValue.table_schema(dg.TableSchema(columns)),
            "version": version,
            "bytes": mart.size_bytes,
            "path": dg.MetadataValue.path(mart.folder),
        },
        check_results=checks,
    )


def _result(check: CheckResult) -> dg.AssetCheckResult:
    is_block = check.severity == BLOCK
    return dg.AssetCheckResult(
        asset_key=mart_key(check.mart),
        check_name=check.test,
        passed=check.violations == 0,
        severity=dg.AssetCheckSeverity.ERROR if is_block else dg.AssetCheckSeverity.WARN,
        description=f"{counted(check.violations, 'violation')} in {counted(check.examined, 'row')}.",
        metadata={"violations": check.violations, "examined": check.examined},
    )
