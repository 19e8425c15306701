"""HOME/organizations.csv: taken into the warehouse as it stands, or told why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.errors import UsageFault
from etl.settings import Settings
from etl.warehouse.connection import open_warehouse
from etl.warehouse.organizations import read_organizations
from tests.pipeline.small_messages import load, make_patient

HEADER = "source_id,facility_code,organization"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def stored(settings: Settings) -> list[tuple[str, ...]]:
    with open_warehouse(settings.warehouse_path, read_only=True) as connection:
        query = (
            "select source_id, facility_code, organization from quality.organization order by all"
        )
        return connection.execute(query).fetchall()


def write(settings: Settings, *lines: str, encoding: str = "utf-8") -> Path:
    settings.home.mkdir(parents=True, exist_ok=True)
    text = "\n".join([HEADER, *lines, ""])
    settings.organizations_path.write_text(text, encoding)
    return settings.organizations_path


def test_a_load_takes_the_file_and_later_changes_of_it(settings: Settings) -> None:
    write(settings, "a,, North ", "a,,North", "", "b,F1,South", encoding="utf-8-sig")
    load(settings, "one", [make_patient("1", {"Sex": "Male"})])
    assert stored(settings) == [("a", "", "North"), ("b", "F1", "South")]
    write(settings, "a,,West")
    load(settings, "two", [make_patient("2", {"Sex": "Male"})])
    assert stored(settings) == [("a", "", "West")]
    settings.organizations_path.unlink()
    load(settings, "three", [make_patient("3", {"Sex": "Male"})])
    assert stored(settings) == [("a", "", "West")]


def test_every_line_that_is_wrong_is_told(settings: Settings) -> None:
    path = write(settings, "a,North", "b,,South", "c,,", "d,F,East,1")
    with pytest.raises(UsageFault) as raised:
        read_organizations(path)
    assert (
        "line 2 has 2 values, line 4 names no organization, line 5 has 4 values; correct the file"
        in str(raised.value)
    )


def test_a_file_of_another_encoding_is_told(settings: Settings) -> None:
    path = write(settings, "a,,Köln", encoding="latin-1")
    with pytest.raises(UsageFault, match="not UTF-8"):
        read_organizations(path)


def test_a_header_without_a_column_is_told(settings: Settings) -> None:
    path = write(settings)
    path.write_text("source_id,organization\n", "utf-8")
    with pytest.raises(UsageFault, match="needs the columns source_id, facility_code"):
        read_organizations(path)
