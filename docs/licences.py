"""Writes docs/licences.md: what is installed with this package, and under which licence.

    python -m docs.licences

From the metadata of the installed packages; run it where `make setup` has installed constraints.txt.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = "redox-warehouse"
EXTRAS = ("s3", "ui", "delta")
PAGE = Path(__file__).with_name("licences.md")
_CLASSIFIER = "License :: OSI Approved :: "
_HEAD = """# Licences

What `pip install` brings with this package and its extras s3, ui and delta, by the metadata of the versions
in `constraints.txt`. Written by `python -m docs.licences`; `make audit` looks for known vulnerabilities.

| package | version | licence |
|---|---|---|
"""


def needed(name: str, extras: tuple[str, ...], known: dict[str, Distribution]) -> None:
    """Add a package and all that it needs to `known`, by normalized name."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in known and not extras:
        return
    try:
        known[key] = found = distribution(name)
    except PackageNotFoundError:  # not for this platform
        return
    for line in found.requires or ():
        requirement = Requirement(line)
        wanted = [{"extra": extra} for extra in (*extras, "")]
        if requirement.marker is None or any(map(requirement.marker.evaluate, wanted)):
            needed(requirement.name, tuple(sorted(requirement.extras)), known)


def licence_of(found: Distribution) -> str:
    """The licence as the package says it: the expression, else the classifiers, else its text's start."""
    facts = found.metadata
    classifiers = [
        line.removeprefix(_CLASSIFIER)
        for line in facts.get_all("Classifier") or ()
        if line.startswith(_CLASSIFIER)
    ]
    first = (facts.get("License") or "").strip().splitlines()
    said = facts.get("License-Expression") or ", ".join(classifiers) or "".join(first[:1])
    return said.replace("|", "/")[:80] or "not said"


def lines() -> Iterator[str]:
    """One line of the table per package, by name."""
    known: dict[str, Distribution] = {}
    needed(ROOT, EXTRAS, known)
    known.pop(ROOT)
    for name, found in sorted(known.items()):
        yield f"| {name} | {found.version} | {licence_of(found)} |"


if __name__ == "__main__":
    PAGE.write_text(_HEAD + "\n".join(lines()) + "\n", "utf-8")
