"""Extensions that are known by name: what holds them, what they mean, and a site's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.cli.catalog_facts import known_extensions
from models.catalog import Catalog, CatalogFaults, read_catalog

HEADER = "slug,data_model,path,value_type,meaning,source"


def test_extensions_are_listed_at_the_objects_that_carry_them(catalog: Catalog) -> None:
    flowsheet, sso = (known_extensions(catalog, name) for name in ("Flowsheet", "SSO"))
    assert flowsheet["Visit.Extensions.additional-provider-info"]
    assert "Visit.Extensions.additional-provider-info" not in sso
    assert "*.Extensions.timezone" in sso
    assert "Orders[].Extensions.ordering-facility-name" not in sso


def test_every_extension_says_what_it_means_by_a_source(catalog: Catalog) -> None:
    assert all(one.meaning and one.source in catalog.sources for one in catalog.extensions)


def test_site_adds_an_extension_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "extensions.csv").write_text(f"{HEADER}\nward-color,*,Visit,string,the color,us\n")
    shown = known_extensions(read_catalog(tmp_path), "PatientAdmin")
    assert shown["Visit.Extensions.ward-color"] == "the color"


def test_lines_that_fit_nothing_are_faults(tmp_path: Path) -> None:
    lines = (HEADER, "a,Nope,*,,x,us", "b,Media,Nope[],,x,us", "c,*,Visit.VisitNumber,,,us")
    (tmp_path / "extensions.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(CatalogFaults) as raised:
        read_catalog(tmp_path)
    assert [f"{fault.line}: {fault.message}" for fault in raised.value.faults] == [
        "2: data_model Nope is unknown",
        "3: path Nope[] is not an object or array",
        "4: meaning is missing",
        "4: path Visit.VisitNumber is not an object or array",
    ]
