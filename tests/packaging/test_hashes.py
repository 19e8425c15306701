"""The constraints with hashes name the versions that were tested, all of them."""

from __future__ import annotations

import re

from tests.packaging.documents import ROOT

LINE = re.compile(r"([A-Za-z0-9._-]+)==(\S+)( --hash=sha256:[0-9a-f]{64})?")


def versions(name: str) -> dict[str, tuple[str, bool]]:
    """Version, and whether it has a hash, by normalized name."""
    found = {}
    for line in (ROOT / name).read_text("utf-8").splitlines():
        if match := LINE.fullmatch(line.strip()):
            key = re.sub(r"[-_.]+", "-", match[1]).lower()
            found[key] = (match[2], bool(match[3]))
    return found


def test_hashes_are_of_the_tested_versions() -> None:
    """After a change of constraints.txt run `make hashes`."""
    tested, hashed = versions("constraints.txt"), versions("constraints-hashes.txt")
    assert all(has_hash for _, has_hash in hashed.values())
    assert {name: own for name, (own, _) in tested.items()} == {
        name: own for name, (own, _) in hashed.items() if name in tested
    }


def test_every_package_has_a_licence_on_the_page() -> None:
    page = (ROOT / "docs" / "licences.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 90
    assert not [row for row in rows if "not said" in row]
