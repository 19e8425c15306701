"""A site changes a rule's severity by a line of rule and severity, and invents no rules."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from etl.cli.catalog import catalog as command
from models.catalog import CatalogFaults, read_catalog
from tests.packaged import packaged_catalog


def test_rule_and_severity_are_enough(tmp_path: Path) -> None:
    (tmp_path / "rules.csv").write_text("rule,severity\ntype_misfit,warning\n")

    changed, delivered = read_catalog(tmp_path).rules, packaged_catalog().rules

    assert changed["type_misfit"].severity.value == "warning"
    assert changed["type_misfit"].meaning == delivered["type_misfit"].meaning
    assert changed["time_impossible"] == delivered["time_impossible"]


def test_unknown_rule_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "rules.csv").write_text("rule,severity\ntype_misfits,warning\n")

    with pytest.raises(CatalogFaults, match="is not a rule of the catalog"):
        read_catalog(tmp_path)


def test_template_can_be_read_back(tmp_path: Path) -> None:
    printed = CliRunner().invoke(command, ["template", "rules"])
    (tmp_path / "rules.csv").write_text(printed.output)

    assert printed.exit_code == 0
    assert "type_misfit,error," in printed.output
    assert read_catalog(tmp_path).rules == packaged_catalog().rules
