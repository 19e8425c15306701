"""Where the data of an asset is, as metadata: path, version, rows, bytes, a line to paste, columns."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from sqlalchemy import MetaData

from etl.publish.folders import VIEWS_FILE, PublishedFolder
from etl.publish.manifest import MANIFEST, Manifest, TableFiles, read_manifest
from etl.settings import Settings
from models.catalog.records import Catalog, DataModel
from models.compile.ddl import compile_model_metadata
from models.tables.plan import WarehousePlan

Place = dict[str, dg.MetadataValue | int | str]
ROOT_TABLE = "message"
PUBLISHED_IN = "published"  # always there, so that a later event replaces "not yet" on the page


def current_version(settings: Settings) -> Manifest | None:
    """Return the manifest of the version that analysts read, None before the first."""
    folder = PublishedFolder(settings.published_path).current()
    return read_manifest(folder / MANIFEST) if folder else None


def duckdb_line(settings: Settings, query: str) -> dg.MetadataValue:
    """Return a command that opens the published version and asks a query, ready to paste."""
    file = settings.published_path / "current" / VIEWS_FILE
    command = f"duckdb -readonly {shlex.quote(str(file))} {shlex.quote(query)}"
    return dg.MetadataValue.md(f"```\n{command}\n```")


def schema_place(settings: Settings, schema: str, table: str) -> Place:
    """Return where a schema is published: version, folder, rows and bytes of all its tables."""
    line: Place = {"open_with_duckdb": duckdb_line(settings, f"from {schema}.{table} limit 10")}
    version = current_version(settings)
    own = list(_tables(version, schema)) if version else []
    if version is None or not own:
        return {PUBLISHED_IN: "not yet; the sensor new_loads publishes it", **line}
    folder = PublishedFolder(settings.published_path).folder_of(version.version) / schema
    return {
        "path": dg.MetadataValue.path(str(folder)),
        PUBLISHED_IN: f"version {version.version}",
        "version": version.version,
        "published_rows": sum(table.rows for table in own),
        "published_bytes": sum(table.bytes for table in own),
        **line,
    }


def warehouse_place(settings: Settings) -> Place:
    """Return where the loader's own file is; analysts read the published version."""
    path = settings.warehouse_path
    size = path.stat().st_size if path.exists() else 0
    return {"warehouse": dg.MetadataValue.path(str(path)), "warehouse_bytes": size}


def folder_place(folder: Path) -> Place:
    """Return where a folder is."""
    return {"path": dg.MetadataValue.path(str(folder))}


def column_schema(catalog: Catalog, plan: WarehousePlan, model: DataModel) -> dg.MetadataValue:
    """Return the columns of a data model's root table: names, types, and what is in them."""
    described = MetaData()
    compile_model_metadata(catalog, plan, model.name, described)
    table = described.tables[f"{model.schema}.{ROOT_TABLE}"]
    columns = [
        dg.TableColumn(column.name, str(column.type), column.comment) for column in table.columns
    ]
    return dg.MetadataValue.table_schema(dg.TableSchema(columns))


def _tables(version: Manifest, schema: str) -> Iterator[TableFiles]:
    for name, files in version.tables.items():
        if name.startswith(f"{schema}."):
            yield files
