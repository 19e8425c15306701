"""The home as Dagster's resource: settings for every step, and the sign that its run lives."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from pydantic import Field

from etl.orchestration.run_lock import hold_run_lock
from etl.settings import Settings, read_settings

RESOURCE = "home"


class Home(dg.ConfigurableResource["Home"]):
    """Where this site keeps its state and configuration."""

    folder: str = Field(
        default="",
        description="The folder of warehouse, landing, published versions and "
        "redox-warehouse.toml. Empty: the one that REDOX_WAREHOUSE_HOME names.",
    )

    def read_settings(self) -> Settings:
        """Return the settings as they are now; raises UsageFault that lists all faults."""
        return read_settings(Path(self.folder) if self.folder else None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Home"]:
        """Hold the lock of the run, by which Dagster's monitoring knows that it lives."""
        if context.instance is None or context.run is None:
            yield self
            return
        with hold_run_lock(Path(context.instance.root_directory), context.run.run_id):
            yield self
