"""Figures as metadata: numbers, which Dagster plots over runs, and small tables of names and numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import dagster as dg

from etl.orchestration.checks import worst_rules
from etl.orchestration.places import duckdb_line, folder_place, schema_place, warehouse_place
from etl.orchestration.tables import count_table
from etl.pipeline.batches import BatchSummary
from etl.pipeline.records import LoadSummary
from etl.queries.figures import Figures, ModelFigures
from etl.settings import Settings
from models.catalog.records import Catalog, DataModel

Metadata = dict[str, dg.MetadataValue | int | float | str]
SEVERITIES = ("error", "warning", "info")


def landed_metadata(batch: BatchSummary, figures: Figures, settings: Settings) -> Metadata:
    """What a run brought in, and what became of it."""
    loaded = batch.loaded
    return {
        "objects": loaded.objects,
        "objects_known_before": loaded.skipped_objects,
        "objects_refused": len(batch.refused),
        "bytes": loaded.bytes,
        "received": loaded.received,
        "loaded": loaded.loaded,
        "duplicate": loaded.duplicate,
        "quarantined": loaded.quarantined,
        "purged": loaded.purged,
        "loaded_the_exact_way": loaded.exact,
        "loads": loaded.loads,
        "dagster/row_count": figures.ledger.objects,
        **left_out_metadata(batch.left_out),
        **folder_place(settings.landing_path),
    }


def left_out_metadata(left_out: Sequence[tuple[str, int]]) -> dict[str, int | str]:
    """What was not taken below the paths: how many entries, and how many for each reason."""
    if not left_out:
        return {}
    reasons = "; ".join(f"{reason}: {count:,}" for reason, count in left_out)
    return {"left_out": sum(count for _, count in left_out), "left_out_because": reasons}


def model_metadata(
    model: DataModel, loaded: LoadSummary, figures: Figures, settings: Settings
) -> Metadata:
    """What a run added to a data model's tables, and where they are."""
    tables = _tables_of(model, loaded.rows)
    numbers = figures.models.get(model.name, ModelFigures())
    return {
        "dagster/row_count": numbers.messages,
        "messages": loaded.models.get(model.name, 0),
        "rows": sum(tables.values()),
        "tables": len(tables),
        **_findings_of(numbers),
        **schema_place(settings, model.schema, "message"),
        **warehouse_place(settings),
        "rows_by_table": count_table("table", "rows", tables.items()),
    }


def reloaded_metadata(model: DataModel, figures: Figures, settings: Settings) -> Metadata:
    """What a reload made again of a data model."""
    numbers = figures.models.get(model.name, ModelFigures())
    return {
        "dagster/row_count": numbers.messages,
        "messages_reloaded": numbers.messages_touched,
        **_findings_of(numbers),
        **schema_place(settings, model.schema, "message"),
        **warehouse_place(settings),
    }


def _findings_of(numbers: ModelFigures) -> dict[str, int]:
    return {f"{name}_findings": numbers.findings_of_loads.get(name, 0) for name in SEVERITIES}


def _tables_of(model: DataModel, rows: Mapping[str, int]) -> dict[str, int]:
    """Rows that were added, by the table's name within its schema."""
    own = f"{model.schema}."
    return {
        name.removeprefix(own): count
        for name, count in rows.items()
        if name.startswith(own) and count
    }


def findings_metadata(figures: Figures, catalog: Catalog, settings: Settings) -> Metadata:
    """Findings of a run by severity; the worst rules of each data model, with field and action."""
    models = figures.models.values()
    run = {s: sum(m.findings_of_loads.get(s, 0) for m in models) for s in SEVERITIES}
    total = {s: sum(m.findings.get(s, 0) for m in models) for s in SEVERITIES}
    broken = figures.lately.broken
    query = "from quality.finding_by_rule"
    return {
        **{f"{severity}_findings": run[severity] for severity in SEVERITIES},
        **{f"{severity}_findings_in_total": total[severity] for severity in SEVERITIES},
        "open_quarantine": figures.ledger.open_quarantine,
        **({"worst_rules": worst_rules(broken, catalog)} if broken else {}),
        **schema_place(settings, "quality", "finding"),
        "open_with_duckdb": duckdb_line(settings, query),
    }


def population_metadata(figures: Figures, settings: Settings) -> Metadata:
    """The size of the population counts, and where they are."""
    counted = figures.population
    return {
        "dagster/row_count": counted.count_rows,
        "messages_counted": counted.messages,
        "paths_populated": counted.paths,
        "days": counted.days,
        "sources": counted.sources,
        **schema_place(settings, "quality", "field_population"),
    }
