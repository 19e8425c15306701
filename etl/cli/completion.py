"""Completes values with the Tab key: data models, event types, rules, paths, as the catalog has them.

Only the catalog's files are read, because a shell waits for the answer; nothing here may fail.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import click
from click.shell_completion import CompletionItem

from etl.errors import RedoxWarehouseError
from models.catalog import formats
from models.catalog.csv_table import TableFormat, read_lines


class CatalogName(click.ParamType[str]):
    """A name of the catalog: any text is taken, the Tab key offers those of a column of its file."""

    name = "text"

    def __init__(self, table: TableFormat, column: str) -> None:
        self._table, self._column = table, column

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names that begin so, in any letter case, of the data models named already."""
        is_model = self._column == "data_model"
        names = {
            line[self._column]
            for line in read_lines(self._table, _overlay(ctx), [])
            if is_model or _is_chosen(ctx, line["data_model"])
        }
        return [
            CompletionItem(_typed(name))
            for name in sorted(names)
            if name.lower().startswith(incomplete.lower())
        ]


MODEL: Final = CatalogName(formats.DATA_MODELS, "data_model")
EVENT: Final = CatalogName(formats.EVENT_TYPES, "event_type")
RULE: Final = CatalogName(formats.RULES, "rule")
FIELD_PATH: Final = CatalogName(formats.FIELDS, "path")


def _overlay(ctx: click.Context) -> Path | None:
    """The site's catalog, where the home can be told."""
    from etl.settings import read_settings  # costs time that other completions need not spend

    with suppress(RedoxWarehouseError, OSError):
        return read_settings(ctx.find_root().params.get("home")).catalog_path
    return None


def _is_chosen(ctx: click.Context, data_model: str) -> bool:
    given = [
        ctx.params.get(name) for name in ("model", "models", "named", "data_model", "data_models")
    ]
    names = [name for one in given if one for name in ([one] if isinstance(one, str) else one)]
    return not names or not data_model or _spelled(data_model) in map(_spelled, names)


def _spelled(name: str) -> str:
    return name.replace(" ", "").replace("_", "").lower()


def _typed(name: str) -> str:
    """A name as the shell puts it on the line: bash as it is, others escape blanks themselves."""
    is_bash = os.environ.get("_REDOX_WAREHOUSE_COMPLETE", "").startswith("bash")
    return name.replace(" ", "\\ ") if is_bash else name
