"""How input is read: options that several commands have, and the recipe from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def recipe_options(command: Command) -> Command:
    """The options `unwrap`, `encoding`, `column` and `received_at`."""
    for name, metavar, text in (
        ("--received-at", "NAME", "Column that holds the times they were received."),
        ("--column", "NAME", "Column of a CSV or Parquet file that holds the messages."),
        ("--encoding", "NAME", "Encoding of text that is not UTF-8."),
        ("--unwrap", "KEY", "Take messages out of envelopes, from under KEY."),
    ):
        command = click.option(name, metavar=metavar, default="", help=text)(command)
    return command


def recipe_text(unwrap: str, encoding: str, column: str, received_at: str) -> str:
    """The text of the recipe; raises UsageError for a time without a column of messages."""
    from etl.pipeline.opening import Recipe, known_encoding

    if received_at and not column:
        raise click.UsageError(
            "--received-at is a column of a table; name the column of the messages with --column too."
        )
    return Recipe(unwrap, known_encoding(encoding), column, received_at).to_text()
