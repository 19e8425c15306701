"""Writes constraints-hashes.txt from a report of pip: the same versions, each with the hash of its file.

    pip install --dry-run --ignore-installed --report report.json -c constraints.txt -e '.[s3,ui,delta]'
    python -m docs.hashes report.json

For those who install with `--require-hashes`; the files are those of the platform it was written on.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "constraints-hashes.txt"
OWN = "redox-warehouse"
_HEAD = """# constraints.txt for `pip install --require-hashes`, for Python {python} on {platform}.
# Written by `make hashes`. First these, then this package without its dependencies:
#   pip install --require-hashes -r constraints-hashes.txt
#   pip install --no-deps --no-build-isolation .
"""


def lines(report: dict[str, Any]) -> Iterator[str]:
    """One line per package of pip's report, by name."""
    for entry in sorted(report["install"], key=lambda entry: entry["metadata"]["name"].lower()):
        facts, archive = entry["metadata"], entry["download_info"].get("archive_info")
        if facts["name"] != OWN and archive:
            digest = archive["hashes"]["sha256"]
            yield f"{facts['name']}=={facts['version']} --hash=sha256:{digest}"


def write(report: dict[str, Any]) -> None:
    """Write the file."""
    where = report["environment"]
    head = _HEAD.format(
        python=where["python_version"],
        platform=f"{where['sys_platform']} {where['platform_machine']}",
    )
    PAGE.write_text(head + "\n".join(lines(report)) + "\n", "utf-8")


if __name__ == "__main__":
    write(json.loads(Path(sys.argv[1]).read_text("utf-8")))
