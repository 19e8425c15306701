"""What the checks in Dagster are told of ratings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest
from reliability_world import Feed, connect_world, expect, list_fields, send

from etl.queries import reliability_checks
from etl.settings import Settings, read_settings


def test_names_that_may_be_a_patients_are_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = connect_world()
    list_fields(connection, ["Patient.Name"], events=["Arrival", "Jane Doe"])
    expect(connection, "Patient.Name", "Reliable")
    odd, usual = "John Smith 555-0100", "7ce6f387-c33c-417d-8682-81e83628cbd9"
    send(connection, [
        Feed(odd, "Arrival", 100, {"Patient.Name": 0.1}),
        Feed(usual, "Jane Doe", 100, {"Patient.Name": 0.2}),
    ])  # fmt: skip
    _open(connection, monkeypatch)

    judged = reliability_checks.judge_reliability(read_settings(tmp_path))

    worst = judged["PatientAdmin"].worst
    assert [(field.source_id, field.event_type) for field in worst] == [
        ("*", "Arrival"),
        (usual, "*"),
    ]


def _open(connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def opened(_: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
        yield connection

    monkeypatch.setattr(reliability_checks, "open_for_reading", opened)
