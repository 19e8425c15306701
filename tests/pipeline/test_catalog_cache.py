"""The cached catalog is the catalog: whatever it is made from changes, it is read anew."""

from pathlib import Path

import pytest

from etl.pipeline import catalog_cache
from etl.pipeline.catalog_cache import read_cached_plan
from models.catalog import Catalog, CatalogFaults, read_catalog
from models.tables.plan import plan_tables
from tests.packaged import read_once

SYNONYM = "value_set,received,supported,reason\nSex,Mann,Male,German\n"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Where the catalog was really read."""
    read: list[Path] = []

    def watched(overlay: Path) -> Catalog:
        read.append(overlay)
        return read_once(overlay)

    monkeypatch.setattr(catalog_cache, "read_catalog", watched)
    monkeypatch.setattr(catalog_cache, "_known", {})
    return read


def test_second_time_it_is_not_read_and_equal(tmp_path: Path, reads: list[Path]) -> None:
    first = read_cached_plan(tmp_path / "catalog", tmp_path / "cache")
    catalog_cache._known.clear()  # as in another process
    assert read_cached_plan(tmp_path / "catalog", tmp_path / "cache") == first
    assert len(reads) == 1
    assert first == (read_catalog(), plan_tables(read_catalog()))


def test_a_line_of_the_site_makes_another(tmp_path: Path, reads: list[Path]) -> None:
    overlay = tmp_path / "catalog"
    plain, _ = read_cached_plan(overlay, tmp_path / "cache")
    overlay.mkdir()
    (overlay / "synonyms.csv").write_text(SYNONYM)
    changed, _ = read_cached_plan(overlay, tmp_path / "cache")
    assert len(changed.synonyms) == len(plain.synonyms) + 1
    assert len(reads) == 2


def test_a_damaged_file_is_read_over(tmp_path: Path, reads: list[Path]) -> None:
    first = read_cached_plan(tmp_path / "catalog", tmp_path / "cache")
    (kept,) = (tmp_path / "cache").glob("*.pickle")
    assert kept.stat().st_mode & 0o077 == 0
    for damage in (b"", b"nonsense", kept.read_bytes()[:1000]):
        kept.write_bytes(damage)
        catalog_cache._known.clear()
        assert read_cached_plan(tmp_path / "catalog", tmp_path / "cache") == first
    assert len(reads) == 4


def test_faults_of_the_site_are_raised_each_time(tmp_path: Path) -> None:
    overlay = tmp_path / "catalog"
    overlay.mkdir()
    (overlay / "synonyms.csv").write_text("value_set,received,supported,reason\nNone,a,b,c\n")
    for _ in range(2):
        with pytest.raises(CatalogFaults):
            read_cached_plan(overlay, tmp_path / "cache")
