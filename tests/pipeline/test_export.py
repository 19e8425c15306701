"""A copy to hand over: one file per table that programs read as it is, with its dictionary."""

from __future__ import annotations

import csv
import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from etl.errors import UsageFault
from etl.publish.export import ExportFormat
from etl.queries.export import export
from etl.settings import Settings
from tests.pipeline.published_world import (
    FOR_READERS,
    NOON,
    SLICE,
    changing,
    make_home,
    published,
    published_home,
)


@pytest.fixture
def home() -> Settings:
    return published_home()


def test_parquet_holds_every_table_in_one_file(home: Settings, tmp_path: Path) -> None:
    summary = export(home, tmp_path / "out", clock=lambda: NOON)
    assert summary.origin == "published version 1"
    with changing(home) as connection:
        tables = connection.execute(
            "select schema_name || '/' || table_name from duckdb_tables() where not internal "
            f"and {FOR_READERS}"
        ).fetchall()
        counts = {
            name: connection.execute(f"select count(*) from {name.replace('/', '.')}").fetchone()
            for (name,) in tables
        }
    files = {
        str(path.relative_to(tmp_path / "out").with_suffix("")): (pq.read_metadata(path).num_rows,)
        for path in (tmp_path / "out").rglob("*.parquet")
    }
    computed = {name for name in files if name.startswith(("mart/", "evidence/"))}
    computed.add("quality/mart_check")
    assert {name: rows for name, rows in files.items() if name not in computed} == counts
    assert summary.tables == len(files)
    both_slices = pd.read_parquet(tmp_path / "out" / "core" / "message.parquet")["message_id"]
    assert both_slices.is_monotonic_increasing and (both_slices // SLICE).nunique() == 2


def test_csv_reads_back_the_same_values(home: Settings, tmp_path: Path) -> None:
    export(home, tmp_path / "out", tables=["inventory.items"], file_format=ExportFormat.CSV)
    path = tmp_path / "out" / "inventory" / "items.csv"
    with path.open(encoding="utf-8", newline="") as file:
        told = list(csv.DictReader(file))
    with published(home) as connection:
        query = (
            "select message_id, items_ordinal, description, price, quantity from inventory.items"
        )
        rows = connection.execute(f"{query} order by 1, 2").fetchall()
    assert [
        (int(row["message_id"]), int(row["items_ordinal"]), row["description"] or None)
        for row in told
    ] == [row[:3] for row in rows]
    assert [row["price"] for row in told] == ["" if r[3] is None else str(r[3]) for r in rows]
    raw = path.read_bytes()
    assert raw.count(b"\r\n") >= len(told) + 1
    assert not raw.startswith(b"\xef\xbb\xbf")


def test_csv_times_are_iso_in_utc(home: Settings, tmp_path: Path) -> None:
    export(home, tmp_path / "out", tables=["core.message"], file_format=ExportFormat.CSV)
    path = tmp_path / "out" / "core" / "message.csv"
    frame = pl.read_csv(path, infer_schema_length=0)
    with published(home) as connection:
        rows = connection.execute(
            "select event_at from core.message order by message_id"
        ).fetchall()
    stored = [instant and instant.astimezone(UTC) for (instant,) in rows]
    told = [time and datetime.fromisoformat(time) for time in frame["event_at"]]
    assert told == stored
    assert all(time.endswith("Z") and "T" in time for time in frame["event_at"] if time)


def test_texts_with_quotes_commas_and_lines_survive_csv(tmp_path: Path) -> None:
    settings = make_home(tmp_path)
    text = 'a "b", c\r\nd\ne; \u00e4 \U0001f600'
    with changing(settings) as connection:
        connection.execute(
            "insert into core.received_form values (7, 'A.B', [2, 1], 'type_converted', ?)", [text]
        )
    export(settings, tmp_path / "out", tables=["core.received_form"], file_format=ExportFormat.CSV)
    with (tmp_path / "out/core/received_form.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["path"] == "A.B"]
    assert [(row["ordinals"], row["received"]) for row in rows] == [("2.1", text)]


def test_dictionary_tells_every_column_with_its_path(home: Settings, tmp_path: Path) -> None:
    export(home, tmp_path / "out", data_models=["Inventory"])
    with (tmp_path / "out" / "dictionary.csv").open(encoding="utf-8", newline="") as file:
        lines = {(row["table"], row["column"]): row for row in csv.DictReader(file)}
    for path in (tmp_path / "out").rglob("*.parquet"):
        for name in pq.read_schema(path).names:
            assert (f"{path.parent.name}.{path.stem}", name) in lines
    price = lines["inventory.items", "price"]
    assert (price["type"], price["path"]) == ("DECIMAL(18,4)", "Items[].Price")
    assert lines["inventory.items", "items_ordinal"]["key"] == "2"
    readme = (tmp_path / "out" / "README.md").read_text("utf-8")
    assert "protected health information" in readme
    assert "| inventory.items |" in readme


def test_manifest_tells_what_was_exported_when(home: Settings, tmp_path: Path) -> None:
    export(home, tmp_path / "out", tables=["core.load"], clock=lambda: NOON)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert manifest["created_at"] == NOON.isoformat()
    table = manifest["tables"]["core.load"]
    assert (table["file"], table["rows"], table["key"]) == ("core/load.parquet", 2, ["load_id"])


def test_a_model_or_tables_can_be_chosen(home: Settings, tmp_path: Path) -> None:
    export(home, tmp_path / "out", data_models=["device"], tables=["core.load", "core.message"])
    schemas = {path.parent.name for path in (tmp_path / "out").rglob("*.parquet")}
    assert schemas == {"device", "core"}
    assert len(list((tmp_path / "out" / "core").iterdir())) == 2


def test_views_of_analysts_can_be_exported_by_name(home: Settings, tmp_path: Path) -> None:
    names = ["quality.field_population", "quality.field_day_window"]
    export(home, tmp_path / "out", tables=names)
    for name in names:
        schema = pq.read_schema(tmp_path / "out" / f"{name.replace('.', '/')}.parquet")
        assert not any(str(field.type).startswith(("list", "struct")) for field in schema)


def test_unknown_names_are_told_all_at_once(home: Settings, tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match=r"core\.mesage, x\.y \(near: core\.message"):
        export(home, tmp_path / "out", tables=["core.mesage", "x.y"])
    with pytest.raises(UsageFault, match="no data model invntory"):
        export(home, tmp_path / "out", data_models=["Invntory"])
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_not_empty_is_refused(home: Settings, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    export(home, out, tables=["core.load"])
    with pytest.raises(UsageFault, match="not empty"):
        export(home, out, tables=["core.load"])
    export(home, out, tables=["core.message"], overwrite=True)
    assert [path.name for path in (out / "core").iterdir()] == ["message.parquet"]


def test_files_of_other_making_are_never_removed(home: Settings, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(UsageFault, match="not part of an earlier export"):
        export(home, tmp_path / "out", tables=["core.load"], overwrite=True)
    assert (tmp_path / "out" / "thesis.txt").read_text() == "mine"


def test_a_failed_export_leaves_what_was_there(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    export(home, out, tables=["core.load"])

    def fail(*_: object) -> None:
        raise OSError("no")

    monkeypatch.setattr("etl.queries.export.write_companions", fail)
    with pytest.raises(OSError, match="no"):
        export(home, out, tables=["core.message"], overwrite=True)
    assert sorted(path.name for path in out.rglob("*.parquet")) == ["load.parquet"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_files_are_for_their_owner_only(home: Settings, tmp_path: Path) -> None:
    export(home, tmp_path / "out", tables=["core.load"])
    for path in [tmp_path / "out", *(tmp_path / "out").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0


def test_before_the_first_version_the_warehouse_itself_is_exported(tmp_path: Path) -> None:
    settings = make_home(tmp_path)
    summary = export(settings, tmp_path / "out", data_models=["Device"])
    assert summary.origin == "the warehouse"
    messages = pd.read_parquet(tmp_path / "out" / "device" / "message.parquet")
    assert len(messages) and messages["message_id"].is_monotonic_increasing
