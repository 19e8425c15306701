"""Assembles Dagster's definitions, nothing else. `workspace.yaml` and `[tool.dg]` point here."""

import dagster as dg

from etl.orchestration.assembly import assemble_for_server
from etl.process import keep_files_private


@dg.definitions
def definitions() -> dg.Definitions:
    """Return everything of the home that the environment names.

    Servers of code and runs read it before they make a file.
    """
    keep_files_private()
    return assemble_for_server()
