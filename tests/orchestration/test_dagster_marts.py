"""Marts as assets: rows, columns and tests of each, after the version they stand in."""

from __future__ import annotations

import dagster as dg

from tests.orchestration.dagster_world import DagsterWorld, metadata_of


def test_marts_report_rows_columns_and_tests_with_the_version(world: DagsterWorld) -> None:
    world.write("a.ndjson", messages=20)

    result = world.run("load_and_publish")

    assert result.success
    told = metadata_of(result)
    patient = told["mart/patient"]
    assert patient["dagster/row_count"] > 0
    schema = patient["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    birth = next(column for column in schema.columns if column.name == "birth_date")
    assert (birth.type, birth.description) == ("date", "date of birth")
    checks = {
        (one.asset_key.to_user_string(), one.check_name): one
        for one in result.get_asset_check_evaluations()
    }
    key = checks["mart/encounter", "key"]
    assert key.passed and key.severity == dg.AssetCheckSeverity.ERROR
    assert checks["mart/encounter", "refers_patient_id"].severity == dg.AssetCheckSeverity.WARN
