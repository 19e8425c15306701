"""Delta tables of a home: what was purged leaves them with its files, at every target they have."""

from __future__ import annotations

from pathlib import Path

from etl.errors import RedoxWarehouseError, TransientError
from etl.pipeline.delta import is_missing_folder, read_record, register_delta
from etl.pipeline.load import Loader


def renew_lakes(loader: Loader) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Register the current version, and delete at once what no table names any more.

    Gives the targets that hold nothing of what was purged now, and those that could not be reached.
    """
    settings = loader.settings
    renewed, left = [], []
    for target in sorted(read_record(settings.delta_path).targets):
        try:
            if is_missing_folder(target):
                raise TransientError("The folder is not there.")
            register_delta(settings, target, keep_hours=0)
        except RedoxWarehouseError:
            left.append(target)
        else:
            renewed.append(target)
    return tuple(renewed), tuple(left)


def require_renewed(left: tuple[str, ...], record: Path) -> None:
    """Raise TransientError that names the targets which may still hold what was purged."""
    if left:
        raise TransientError(
            f"Purged everywhere but in the Delta tables at {', '.join(left)}; make them reachable, or "
            f"take a target that is no more out of {record}, then run "
            "`redox-warehouse purge --resume`."
        )
