"""A new warehouse starts as a copy of a template with the tables of its data models, comments included.

Creating a thousand tables with six thousand comments takes DuckDB seconds; copying a file does not.
A template is made once per catalog, plan, DuckDB version and set of data models, in the user's cache
folder; it holds no data but the catalog's.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from pathlib import Path

from etl.atomic import own_folder
from etl.kept_files import copy_kept, keep, kept_name
from etl.warehouse.connection import log_of, open_warehouse
from etl.warehouse.schema import Schema

_SOURCES = {
    "models.tables": ("naming.py", "plan.py", "fixed.py"),
    "models.compile": ("ddl.py", "dictionary.py"),
    "etl.warehouse": ("connection.py", "schema.py", "statements.py"),
}


def create_warehouse(
    path: Path, schema: Schema, data_models: Collection[str], *, cache: Path
) -> None:
    """Make a new warehouse with the tables of these data models; it appears whole or not at all."""
    planned = frozenset(data_models) & schema.plan.models.keys()
    kept = cache / kept_name("tables", (schema.catalog.content_hash, sorted(planned)), _SOURCES)
    own_folder(path.parent)
    for left_over in path.parent.glob(f"{path.name}.*.new*"):  # only who may write comes here
        left_over.unlink(missing_ok=True)
    new = path.with_name(f"{path.name}.{uuid.uuid4().hex}.new")
    try:
        new.touch(mode=0o600)
        if not copy_kept(kept, new):
            new.unlink()
            with open_warehouse(new, read_only=False) as connection:
                connection.execute("begin")
                schema.ensure(connection, planned)
                connection.execute("commit")
            keep(new, kept)
        log_of(path).unlink(missing_ok=True)  # of a file that was taken away
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
