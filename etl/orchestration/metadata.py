"""Figures as metadata: numbers, which Dagster plots over runs, and small tables of names and numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import dagster as dg

from etl.answers.figures import Figures, ModelFigures, RuleCount
from etl.pipeline.batches import BatchSummary
from etl.pipeline.records import LoadSummary
from models.catalog.records import DataModel

Metadata = dict[str, dg.MetadataValue | int | float | str]
SEVERITIES = ("error", "warning", "info")


def landed_metadata(batch: BatchSummary, figures: Figures) -> Metadata:
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
        "loads": loaded.loads,
        "dagster/row_count": figures.ledger.objects,
    }


def model_metadata(model: DataModel, loaded: LoadSummary, figures: Figures) -> Metadata:
    """What a run added to a data model's tables."""
    tables = _tables_of(model, loaded.rows)
    numbers = figures.models.get(model.name, ModelFigures())
    return {
        "dagster/row_count": numbers.messages,
        "messages": loaded.models.get(model.name, 0),
        "rows": sum(tables.values()),
        "tables": len(tables),
        **{
            f"{severity}_findings": numbers.findings_of_loads.get(severity, 0)
            for severity in SEVERITIES
        },
        "rows_by_table": count_table("table", "rows", tables.items()),
    }


def _tables_of(model: DataModel, rows: Mapping[str, int]) -> dict[str, int]:
    """Rows that were added, by the table's name within its schema."""
    own = f"{model.schema}."
    return {
        name.removeprefix(own): count
        for name, count in rows.items()
        if name.startswith(own) and count
    }


def findings_metadata(figures: Figures) -> Metadata:
    """Findings of a run by severity, and the rules met most, the most severe first."""
    models = figures.models.values()
    run = {s: sum(m.findings_of_loads.get(s, 0) for m in models) for s in SEVERITIES}
    total = {s: sum(m.findings.get(s, 0) for m in models) for s in SEVERITIES}
    return {
        **{f"{severity}_findings": run[severity] for severity in SEVERITIES},
        **{f"{severity}_findings_in_total": total[severity] for severity in SEVERITIES},
        "open_quarantine": figures.ledger.open_quarantine,
        **({"worst_rules": rule_table(figures.worst_rules)} if figures.worst_rules else {}),
    }


def population_metadata(figures: Figures) -> Metadata:
    """The size of the population counts."""
    counted = figures.population
    return {
        "dagster/row_count": counted.count_rows,
        "messages_counted": counted.messages,
        "paths_populated": counted.paths,
        "days": counted.days,
        "sources": counted.sources,
    }


def count_table(name: str, count: str, rows: Iterable[tuple[str, int]]) -> dg.MetadataValue:
    """A table of numbers and names, the largest first; numbers lead, long names may be cut off."""
    schema = dg.TableSchema([dg.TableColumn(count, "int"), dg.TableColumn(name, "string")])
    ordered = sorted(rows, key=lambda row: (-row[1], row[0]))
    records = [dg.TableRecord({count: number, name: label}) for label, number in ordered]
    return dg.MetadataValue.table(records, schema)


def rule_table(rules: Iterable[RuleCount]) -> dg.MetadataValue:
    """A table of rules and how often each was met."""
    columns = (
        ("findings", "int"),
        ("severity", "string"),
        ("rule", "string"),
        ("data_model", "string"),
    )
    schema = dg.TableSchema([dg.TableColumn(name, kind) for name, kind in columns])
    records = [
        dg.TableRecord(
            {
                "severity": rule.severity,
                "rule": rule.rule,
                "data_model": rule.data_model,
                "findings": rule.findings,
            }
        )
        for rule in rules
    ]
    return dg.MetadataValue.table(records, schema)
