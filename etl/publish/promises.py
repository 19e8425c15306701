"""Holds a version back whose marts break what their headers promise.

Only tests that block are looked at; what warns is in quality.mart_check like all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from etl.duckdb_files import connected
from etl.errors import PermanentError
from etl.publish.manifest import TableFiles
from etl.sql_text import literal_path, quote

MART_CHECK = "quality.mart_check"
_SHOWN = 3
_BROKEN = """
select mart, test, violations from read_parquet({})
where severity = 'block' and not is_passed order by violations desc, mart, test
"""


def require_kept_promises(folder: Path, files: Mapping[str, TableFiles]) -> None:
    """Raise PermanentError that names the tests which block, and how often each is broken."""
    if MART_CHECK not in files:
        return
    place = folder.joinpath(*MART_CHECK.split("."), "*.parquet")
    pattern = literal_path(str(place.parent)) + f"/{place.name}"
    with connected(spill=None) as connection:
        broken = connection.execute(_BROKEN.format(quote(pattern))).fetchall()
    if broken:
        shown = "; ".join(f"{mart} {test}: {count:,}" for mart, test, count in broken[:_SHOWN])
        more = f" and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
        raise PermanentError(
            f"No version was published because marts break tests ({shown}{more}); set them to warn in "
            "[marts] checks to publish nevertheless, and report the fault."
        )
