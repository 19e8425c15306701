"""Assembles Dagster's definitions, nothing else. `workspace.yaml` and `[tool.dg]` point here."""

import dagster as dg

from etl.orchestration.assembly import assemble_for_server


@dg.definitions
def definitions() -> dg.Definitions:
    """Return everything of the home that the environment names."""
    return assemble_for_server()
