"""Assembles Dagster's definitions, nothing else. `workspace.yaml` points here."""

import dagster as dg

from etl.orchestration.assembly import assemble


@dg.definitions
def definitions() -> dg.Definitions:
    """Everything of the home that the environment names."""
    return assemble()
