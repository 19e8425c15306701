"""A new warehouse starts as a copy of a template that holds every table, comments included.

Creating a thousand tables with six thousand comments takes DuckDB seconds; copying a file does not.
The template is made once per catalog, plan and DuckDB version, in the user's cache folder; it holds
no data but the catalog's.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Collection
from importlib.resources import files
from pathlib import Path

import duckdb

from etl.warehouse.connection import log_of, open_warehouse
from etl.warehouse.schema import Schema

_SOURCES = (
    ("models.tables", ("naming.py", "plan.py", "fixed.py")),
    ("models.compile", ("ddl.py", "dictionary.py")),
    ("etl.warehouse", ("connection.py", "schema.py", "statements.py")),
)


def create_warehouse(
    path: Path, schema: Schema, data_models: Collection[str], *, cache: Path
) -> None:
    """Make a new warehouse with the tables of these data models; it appears whole or not at all."""
    template = cache / f"tables-{_version(schema)}.duckdb"
    if not template.is_file():
        _build(template, schema)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left_over in path.parent.glob(f"{path.name}.*.new*"):  # only who may write comes here
        left_over.unlink(missing_ok=True)
    new = path.with_name(f"{path.name}.{uuid.uuid4().hex}.new")
    try:
        new.touch(mode=0o600)
        shutil.copyfile(template, new)
        with open_warehouse(new, read_only=False) as connection:
            _drop_others(connection, schema, data_models)
        log_of(path).unlink(missing_ok=True)  # of a file that was taken away
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _version(schema: Schema) -> str:
    """Changes with everything that decides how tables look."""
    digest = hashlib.sha256(f"{duckdb.__version__} {schema.catalog.content_hash}".encode())
    for package, names in _SOURCES:
        for name in names:
            digest.update((files(package) / name).read_bytes())
    return digest.hexdigest()[:24]


def _build(template: Path, schema: Schema) -> None:
    template.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = template.with_name(f"{template.name}.{os.getpid()}.new")
    new.unlink(missing_ok=True)
    with open_warehouse(new, read_only=False) as connection:
        connection.execute("begin")
        schema.ensure(connection, schema.plan.models)
        connection.execute("commit")
    new.replace(template)


def _drop_others(
    connection: duckdb.DuckDBPyConnection, schema: Schema, data_models: Collection[str]
) -> None:
    """A table of a model exists once that model is first seen."""
    unseen = [name for name in schema.plan.models if name not in data_models]
    statements = [f"drop schema {schema.plan.models[name][''].schema} cascade" for name in unseen]
    connection.execute("begin")
    connection.execute(";\n".join(statements) or "select 1")
    connection.execute("commit")
