"""Writes lines of fields into a site's HOME/catalog/fields.csv, but only if the catalog then holds.

The whole overlay is tried in a folder beside its place first, so no reader sees a faulty catalog.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from etl.errors import UsageFault
from etl.ratings.overlay import merge_rows
from models.catalog import CatalogFaults, formats, read_catalog
from models.catalog.records import Field
from models.tables.plan import plan_tables


def write_fields(overlay: Path, new: Sequence[Field]) -> None:
    """Write the lines of fields, those of the same key replaced, in one step.

    Raises UsageFault, and leaves the file as it was, when the catalog would be faulty with them.
    """
    file = overlay / formats.FIELDS.file
    before = file.read_text("utf-8-sig") if file.is_file() else ""
    after = merge_rows(before, formats.FIELDS, [_row(field) for field in new])
    overlay.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=overlay.parent, prefix=".catalog-") as name:
        trial = Path(name)
        for other in overlay.glob("*.csv"):
            (trial / other.name).write_bytes(other.read_bytes())
        written = trial / file.name
        written.write_text(after, "utf-8", newline="")
        written.chmod(0o600)
        _check(trial)
        with written.open("rb") as handle:
            os.fsync(handle.fileno())
        written.replace(file)


def _check(overlay: Path) -> None:
    try:
        plan_tables(read_catalog(overlay))
    except CatalogFaults as faults:
        listing = "; ".join(str(fault).rpartition("/")[2] for fault in faults.faults[:20])
        raise UsageFault(
            f"The new lines would make the catalog faulty ({listing}); "
            "list these fields by hand in HOME/catalog/fields.csv."
        ) from None


def _row(field: Field) -> dict[str, str]:
    return {
        "data_model": field.data_model,
        "path": field.path,
        "json_type": field.json_type,
        "item_type": field.item_type or "",
        "number_kind": field.number_kind or "",
        "temporal": field.temporal or "",
        "sql_name": field.sql_name,
        "event_types": "|".join(sorted(field.event_types)),
        "source": field.source,
    }
