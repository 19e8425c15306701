"""Writes the page about rules from the catalog; what a rule means is said in rules.csv alone."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter

from models.catalog.records import Catalog, Rule

INTRODUCTION = """\
# Rules

Everything that can be odd or wrong in received data has a rule. This page is written from the
catalog (`models/catalog/data/rules.csv`); change it there.

`info` is counted only. `warning` and `error` are also kept one by one: in `quality.finding`, and
those of the area quarantine in `core.quarantine`.

An `error` is a value that was sent and is missing from its column, so that who reads the column is
misled; the value itself is in `core.unplaced_value`. Where the newest load of a source has errors in
more than `checks.error_share` of a data model's messages, Dagster publishes nothing. A `warning` is a
value that is in its column and may be wrong. In the area quarantine every rule is an error: the item
is not a loadable message.

A site changes a severity by a line in `HOME/catalog/rules.csv`; rule and severity are enough:

```sh
mkdir -p "$REDOX_WAREHOUSE_HOME/catalog"
redox-warehouse catalog template rules > "$REDOX_WAREHOUSE_HOME/catalog/rules.csv"
```

prints all rules with their severities to start from; keep the lines that differ. New loads follow it
at once, messages loaded before after `redox-warehouse reload`.
"""
HEADER = "| rule | severity | meaning | what to do |\n|---|---|---|---|\n"


def render_rules(catalog: Catalog) -> str:
    """Markdown: one table per area, areas and rules in alphabetical order."""
    rules = sorted(catalog.rules.values(), key=attrgetter("area", "code"))
    areas = groupby(rules, key=attrgetter("area"))
    return "\n".join([INTRODUCTION, *(_render_area(area, list(own)) for area, own in areas)])


def _render_area(area: str, rules: list[Rule]) -> str:
    lines = "".join(_render_line(rule) for rule in rules)
    return f"## {area.capitalize()}\n\n{HEADER}{lines}"


def _render_line(rule: Rule) -> str:
    cells = (f"`{rule.code}`", rule.severity.value, rule.meaning, rule.action)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
