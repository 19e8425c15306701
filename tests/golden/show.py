"""Print what the loader makes of a page's payloads: `python -m tests.golden.show PAGE.md ...`

For writing a page: the printed YAML is what came, not what should come. Compare it with DESIGN and
the page's sentence before it goes into the page.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

from tests.golden.loaded import OF_EVERY_MESSAGE, Result, load_manual
from tests.golden.manual import FOLDER, read_cases
from tests.packaged import packaged_catalog


def main() -> None:
    """Load the whole manual and print the named pages' results."""
    wanted = {Path(name).resolve() for name in sys.argv[1:]}
    cases = read_cases()
    with tempfile.TemporaryDirectory() as folder:
        loaded = load_manual(cases, folder=Path(folder), catalog=packaged_catalog())
    item = 0
    for case in cases:
        for _ in case.deliveries:
            if (FOLDER / f"{case.name}.md").resolve() in wanted or not wanted:
                print(f"# {case.name}\n{to_yaml(loaded.results[item])}")
            item += 1


def to_yaml(result: Result) -> str:
    """A result in the form of a page, without what every message has."""
    shown: dict[str, Any] = {"outcome": result["outcome"]} if result["outcome"] != "loaded" else {}
    shown |= {k: result[k] for k in ("reason",) if k in result}
    rows = {
        table: own[0] if len(own) == 1 else own for table, own in result.get("rows", {}).items()
    }
    shown["rows"] = rows
    names = ("findings", "finding_counts", "forms", "unplaced", "extensions", "unsupported")
    shown |= {name: result[name] for name in names if result.get(name)}
    counts = result.get("counts", {})
    shown["counts"] = {k: counts[k] for k in sorted(counts) if k not in OF_EVERY_MESSAGE}
    return yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=100,
                          default_flow_style=None)  # fmt: skip


if __name__ == "__main__":
    main()
