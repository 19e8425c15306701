"""All views that have no file: evidence, the site's facts, the checks of the marts."""

from __future__ import annotations

from collections.abc import Mapping

from etl.marts.checks import compile_checks
from etl.marts.evidence import compile_evidence
from etl.marts.items import compile_items
from etl.marts.lookups import compile_lookups
from etl.marts.projection import CompiledView
from etl.marts.site import Site, compile_site
from models.catalog.records import Catalog
from models.tables.plan import WarehousePlan


def compile_views(
    catalog: Catalog,
    plan: WarehousePlan,
    tables: frozenset[str],
    site: Site,
    files: Mapping[str, str],
) -> tuple[CompiledView, ...]:
    """The compiled views over tables that there are; `files` are the texts of sql/ by view."""
    return (
        *compile_evidence(catalog, plan, tables),
        *compile_items(catalog, plan, tables),
        *compile_lookups(),
        *compile_site(site),
        *compile_checks(files, site.severities),
    )
