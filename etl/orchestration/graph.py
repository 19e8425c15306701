"""The graph's names: keys, groups, pools and the specification of every asset, from the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg

from etl.orchestration.habits import Habits
from etl.orchestration.places import column_schema
from etl.pipeline.catalog_cache import site_plan
from etl.settings import Settings
from models.catalog import Catalog
from models.catalog.records import DataModel
from models.tables.plan import WarehousePlan

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )

    AssetJob = UnresolvedAssetJobDefinition  # what define_asset_job gives; Dagster exports no name

WAREHOUSE_POOL = "warehouse"
PULL_POOL = "pull"

ARRIVAL = "arrival"
DATA_MODELS = "data_models"
QUALITY = "quality"
PUBLISHING = "publishing"

SENDERS = dg.AssetKey("senders")
PULLED = dg.AssetKey("pulled_replies")
INCOMING = dg.AssetKey("incoming_segments")
WATCHED = dg.AssetKey("watched_files")
LANDED = dg.AssetKey("landed_objects")
FINDINGS = dg.AssetKey("findings")
POPULATION = dg.AssetKey("population")
PUBLISHED = dg.AssetKey("published_version")
REPORT = dg.AssetKey("reliability_report")


@dataclass(frozen=True, slots=True)
class Graph:
    """What the graph is made of: the catalog's data models and their tables, the site's owner.

    `habits` say which data models it shows, and how fresh they should be.
    """

    catalog: Catalog
    plan: WarehousePlan
    settings: Settings
    habits: Habits

    @classmethod
    def of(cls, settings: Settings, habits: Habits) -> Graph:
        """The graph of a home."""
        catalog, plan = site_plan(settings)
        return cls(catalog, plan, settings, habits)

    @property
    def all_models(self) -> tuple[DataModel, ...]:
        """The data models of the catalog, sorted by schema."""
        return tuple(sorted(self.catalog.data_models.values(), key=lambda model: model.schema))

    @property
    def models(self) -> tuple[DataModel, ...]:
        """The data models that the graph shows, sorted by schema."""
        return tuple(model for model in self.all_models if model.name in self.habits.models)

    def spec(
        self, key: dg.AssetKey, description: str, *, group: str, kinds: set[str], **more: object
    ) -> dg.AssetSpec:
        """An asset of this site."""
        owner = self.settings.orchestration.owner
        return dg.AssetSpec(
            key,
            description=description,
            group_name=group,
            kinds=kinds,
            owners=[owner] if owner else [],
            **more,  # type: ignore[arg-type]
        )

    def model_specs(self) -> Iterator[dg.AssetSpec]:
        """One asset per data model, after the landed objects."""
        for model in self.models:
            yield self.spec(
                model_key(model),
                self._describe(model),
                group=DATA_MODELS,
                kinds={"duckdb", "table"},
                deps=[LANDED],
                skippable=True,
                freshness_policy=freshness_policy(
                    self.habits.fresh_days(model.name, self.settings)
                ),
                metadata={
                    "dagster/table_name": f"{model.schema}.message",
                    "dagster/column_schema": column_schema(self.catalog, self.plan, model),
                },
            )

    def _describe(self, model: DataModel) -> str:
        tables = self.plan.models[model.name].values()
        events = ", ".join(event.event_type for event in model.event_types)
        columns = sum(len(table.columns) for table in tables)
        return (
            f"**{model.name}**: {model.description}.\n\n"
            f"Event types: {events}.\n\n"
            f"Schema `{model.schema}`: {len(tables)} tables, {columns:,} columns; "
            f"`{model.schema}.message` has one row per message, each array its own table."
        )


def model_key(model: DataModel) -> dg.AssetKey:
    """The asset of a data model."""
    return dg.AssetKey(["redox", model.schema])


def freshness_policy(days: float | None) -> dg.FreshnessPolicy | None:
    """Return the policy of an asset of which something new should come within so many days."""
    if not days:
        return None
    warn, fail = timedelta(days=days), timedelta(days=2 * days)
    return dg.FreshnessPolicy.time_window(fail_window=fail, warn_window=warn)
