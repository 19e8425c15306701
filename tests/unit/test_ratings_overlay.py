"""Writing into a site's catalog: merged, whole, and the same when done twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from etl.errors import DiskFull, UsageFault
from etl.ratings.importing import write_overlay
from etl.ratings.records import Comparison, FieldList, Layout, Statement, ValueLine
from models.catalog import read_catalog
from models.catalog.records import Rating, ValueSetKind

STATEMENT = Statement(
    "Notes", "New", "Note.Provider", True, Rating.PROBABLE, "page: Notes (n.html)"
)
VALUE = ValueLine("Sex", ValueSetKind.CLOSED, "Undisclosed", "page: Notes (n.html)")
HEADER = "data_model,event_type,path,required,rating,basis,source"
WRITTEN = "Notes,New,Note.Provider,yes,Probable,documented,page: Notes (n.html)"


def make_comparison(*statements: Statement, values: tuple[ValueLine, ...] = ()) -> Comparison:
    one = FieldList("n.html", "page: Notes (n.html)", 1, Layout.TREE, "Notes", "New", "")
    return Comparison(one, statements=list(statements), values=list(values))


def write(home: Path, *statements: Statement, values: tuple[ValueLine, ...] = ()) -> list[str]:
    changed = write_overlay(home, [make_comparison(*statements, values=values)])
    return [path.name for path in changed]


def read_lines(home: Path) -> list[str]:
    return (home / "expectations.csv").read_text().splitlines()


def test_a_new_overlay_is_made_and_read_by_the_catalog(tmp_path: Path) -> None:
    home = tmp_path / "catalog"
    assert write(home, STATEMENT, values=(VALUE,)) == ["expectations.csv", "value_sets.csv"]
    assert read_lines(home) == [HEADER, WRITTEN]
    catalog = read_catalog(home)
    (line,) = [one for one in catalog.expectations if one.is_site]
    assert (line.path, line.rating, line.required, line.is_inferred) == (
        "Note.Provider",
        Rating.PROBABLE,
        True,
        False,
    )
    assert "Undisclosed" in catalog.value_sets["Sex"].values


def test_the_same_statements_again_change_nothing(tmp_path: Path) -> None:
    write(tmp_path, STATEMENT, values=(VALUE,))
    before = {path.name: (path.read_bytes(), path.stat().st_ino) for path in tmp_path.iterdir()}
    assert write(tmp_path, STATEMENT, values=(VALUE,)) == []
    after = {path.name: (path.read_bytes(), path.stat().st_ino) for path in tmp_path.iterdir()}
    assert after == before


def test_lines_already_there_stay_where_they_are(tmp_path: Path) -> None:
    own = "Notes,New,Note.Title,,Reliable,documented,us"
    old = "Notes,New,Note.Provider,,Possible,documented,page: Old"
    last = "Media,*,Media.Provider,yes,,documented,us"
    (tmp_path / "expectations.csv").write_text("\n".join([HEADER, own, old, last, ""]))
    first = replace(STATEMENT, path="Note.Components[]", required=False)
    write(tmp_path, STATEMENT, first)
    added = "Notes,New,Note.Components[],,Probable,documented,page: Notes (n.html)"
    assert read_lines(tmp_path) == [HEADER, own, WRITTEN, last, added]


def test_columns_of_the_file_stay_as_they_are(tmp_path: Path) -> None:
    header = "source_id,path,data_model,event_type,required,rating,basis,source"
    own = "abc,Note.Provider,Notes,New,,Reliable,documented,us"
    (tmp_path / "expectations.csv").write_bytes(f"\ufeff{header}\r\n{own}\r\n".encode())
    write(tmp_path, STATEMENT)
    added = ",Note.Provider,Notes,New,yes,Probable,documented,page: Notes (n.html)"
    assert read_lines(tmp_path) == [header, own, added]


def test_nothing_to_say_writes_nothing(tmp_path: Path) -> None:
    assert write(tmp_path / "catalog") == []
    assert not (tmp_path / "catalog").exists()


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, STATEMENT)
    before = (tmp_path / "expectations.csv").read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(DiskFull, match="free space"):
        write(tmp_path, replace(STATEMENT, rating=Rating.POSSIBLE))
    assert (tmp_path / "expectations.csv").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["expectations.csv"]


def test_a_folder_that_cannot_be_written_is_a_fault_with_advice(tmp_path: Path) -> None:
    (tmp_path / "catalog").touch()
    with pytest.raises(UsageFault, match="writable"):
        write(tmp_path / "catalog", STATEMENT)


def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    home = tmp_path / "catalog"
    write(home, STATEMENT)
    assert (home / "expectations.csv").stat().st_mode & 0o077 == 0
    assert home.stat().st_mode & 0o077 == 0


def test_an_unreadable_overlay_is_a_fault_with_advice(tmp_path: Path) -> None:
    (tmp_path / "expectations.csv").write_bytes(b"\xff\xfe\x00 not text")
    with pytest.raises(UsageFault, match="make it readable"):
        write(tmp_path, STATEMENT)
