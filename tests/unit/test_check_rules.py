"""The page about rules, and the agreement of the time rules with the catalog."""

from __future__ import annotations

from etl.check.rules import render_rules
from etl.check.time_forms import TimeRule
from models.catalog.records import Catalog, Rule, Severity
from tests.packaged import packaged_catalog


def make_catalog(*rules: Rule) -> Catalog:
    return Catalog(
        data_models={},
        fields={},
        expectations=(),
        value_sets={},
        synonyms=(),
        rules={rule.code: rule for rule in rules},
        sources={},
        reliability_settings={},
        content_hash="",
    )


def test_rules_stand_in_tables_by_area() -> None:
    page = render_rules(
        make_catalog(
            Rule("time_year", Severity.INFO, "time", "Only a year.", "Nothing."),
            Rule("type_misfit", Severity.WARNING, "type", "Wrong a | b.", "Look."),
            Rule("time_impossible", Severity.WARNING, "time", "No date.", "Tell the sender."),
        )
    )
    assert page.partition("\n## ")[2] == (
        "Time\n\n"
        "| rule | severity | meaning | what to do |\n"
        "|---|---|---|---|\n"
        "| `time_impossible` | warning | No date. | Tell the sender. |\n"
        "| `time_year` | info | Only a year. | Nothing. |\n"
        "\n## Type\n\n"
        "| rule | severity | meaning | what to do |\n"
        "|---|---|---|---|\n"
        "| `type_misfit` | warning | Wrong a \\| b. | Look. |\n"
    )


def test_page_holds_every_rule_of_the_catalog_once() -> None:
    catalog = packaged_catalog()
    page = render_rules(catalog)
    assert all(page.count(f"| `{code}` |") == 1 for code in catalog.rules)


def test_catalog_explains_exactly_the_time_rules_that_are_given() -> None:
    explained = {code for code in packaged_catalog().rules if code.startswith("time_")}
    assert explained == set(TimeRule)
