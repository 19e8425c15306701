"""Writes the page about rules from the catalog; what a rule means is said in rules.csv alone."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter

from models.catalog.records import Catalog, Rule

INTRODUCTION = """\
# Rules

Everything that can be wrong or unusual in received data has a rule. This page is written from the
catalog (`models/catalog/data/rules.csv`); change it there.

- `info` is an accepted deviation: a bare date in a date-time field, a number written as 1.0, an
  extension. It is only counted.
- `warning` is a value that is in its column but may be wrong: outside its value set, or contradicted
  by another value. It is counted and has a row in `quality.finding`.
- `error` is a value that was sent but is missing from its column, such as an impossible date. It is
  counted, has a row in `quality.finding`, and the value is in `core.unplaced_value`.
- `error` in the area quarantine is an item that is not a loadable message. It has a row in
  `core.quarantine`, and all its bytes are kept.

If more than `checks.error_share` of the messages in the newest load of a source have errors, Dagster
publishes nothing until a good load of that source.

To change a severity for your site, put a line into `HOME/catalog/rules.csv`; rule and severity are
enough:

```sh
mkdir -p "$REDOX_WAREHOUSE_HOME/catalog"
redox-warehouse catalog template rules > "$REDOX_WAREHOUSE_HOME/catalog/rules.csv"
```

This writes all rules with their severities. Keep only the lines that you change. They apply to new
loads immediately, and to loaded messages after `redox-warehouse reload`.
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
