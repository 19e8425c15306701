"""Loading with Spark as an asset, through Pipes: a process of its own that starts a session and reports.

It is there where `lake.sources` names what to load.
"""

import sys

import dagster as dg

from etl.errors import TransientError
from etl.orchestration.boundary import told_to_dagster
from etl.orchestration.graph import PUBLISHING, WAREHOUSE_POOL, Graph
from etl.orchestration.home import Home
from etl.settings import Settings

LAKE = dg.AssetKey("lake")


def has_lake(settings: Settings) -> bool:
    """True if Dagster is to load with Spark."""
    return bool(settings.lake.sources)


def build_lake(graph: Graph) -> dg.AssetsDefinition:
    """Run `spark-load` over the sources of the settings; what was loaded before is skipped."""
    spec = graph.spec(
        LAKE,
        "Messages that Spark loads: rows of data models as Parquet files, which versions below "
        "`HOME/lake/versions` name. Publish afterwards.",
        group=PUBLISHING,
        kinds={"spark", "parquet"},
    )

    @dg.multi_asset(name=LAKE.path[-1], specs=[spec], pool=WAREHOUSE_POOL)
    def lake(context: dg.AssetExecutionContext, home: Home) -> dg.MaterializeResult[None]:
        settings = home.read_settings()
        with told_to_dagster(context, settings):
            command = [
                *(sys.executable, "-m", "etl.cli", "--home", str(settings.home)),
                *("spark-load", "--pipes", *settings.lake.sources),
            ]
            try:
                done = dg.PipesSubprocessClient().run(context=context, command=command)
            except dg.DagsterError:
                raise TransientError(
                    "spark-load did not finish; the log of this step says why, on standard error."
                ) from None
            return done.get_materialize_result()

    return lake
