"""Writes lines into a site's HOME/catalog/*.csv, but only if the catalog then holds.

The whole overlay is tried in a folder beside its place first, so no reader sees a faulty catalog.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from etl.atomic import own_folder
from etl.errors import UsageFault
from etl.ratings.importing import merge_rows
from models.catalog import CatalogFaults, formats, read_catalog
from models.catalog.csv_table import TableFormat
from models.catalog.records import Field
from models.tables.plan import plan_tables


def write_fields(overlay: Path, new: Sequence[Field]) -> None:
    """Write the lines of fields, those of the same key replaced, in one step.

    Raises UsageFault, and leaves the file as it was, when the catalog would be faulty with them.
    """
    write_lines(overlay, ((formats.FIELDS, [field_row(field) for field in new]),))


def write_lines(
    overlay: Path, tables: Sequence[tuple[TableFormat, Sequence[dict[str, str]]]]
) -> None:
    """Write lines of several files, those of the same key replaced; each file in one step.

    The files are moved in the order given: with each of them the catalog must hold. Raises
    UsageFault, and leaves all files as they were, when the catalog would be faulty with them.
    """
    own_folder(overlay)
    with tempfile.TemporaryDirectory(dir=overlay.parent, prefix=".catalog-") as name:
        trial = Path(name)
        for other in overlay.glob("*.csv"):
            (trial / other.name).write_bytes(other.read_bytes())
        for table, rows in tables:
            _merge(trial / table.file, table, rows)
        _check(trial)
        for table, _ in tables:
            (trial / table.file).replace(overlay / table.file)


def _merge(file: Path, table: TableFormat, rows: Sequence[dict[str, str]]) -> None:
    before = file.read_text("utf-8-sig") if file.is_file() else ""
    file.write_text(merge_rows(before, table, rows), "utf-8", newline="")
    file.chmod(0o600)
    with file.open("rb") as handle:
        os.fsync(handle.fileno())


def _check(overlay: Path) -> None:
    try:
        plan_tables(read_catalog(overlay))
    except CatalogFaults as faults:
        listing = "; ".join(str(fault).rpartition("/")[2] for fault in faults.faults[:20])
        raise UsageFault(
            f"The new lines would make the catalog faulty ({listing}); "
            "list these fields by hand in HOME/catalog/fields.csv."
        ) from None


def field_row(field: Field) -> dict[str, str]:
    """The cells of a field's line in fields.csv."""
    return {
        "data_model": field.data_model,
        "path": field.path,
        "json_type": field.json_type,
        "item_type": field.item_type or "",
        "number_kind": field.number_kind or "",
        "temporal": field.temporal or "",
        "value_set": field.value_set,
        "value_set_confidence": field.value_set_confidence,
        "sensitivity": field.sensitivity,
        "sql_name": field.sql_name,
        "event_types": "|".join(sorted(field.event_types)),
        "source": field.source,
    }
