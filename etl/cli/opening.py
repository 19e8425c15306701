"""What several commands open in the same way."""

from __future__ import annotations

import click

from etl.pipeline.load import open_loader

__all__ = ["ID", "open_loader"]

ID = click.IntRange(0, 2**63 - 1)
"""What numbers a message or an item in quarantine."""
