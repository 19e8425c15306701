"""The one boundary between the pipeline's errors and Dagster.

Transient errors are tried again, all others fail the step at once. Errors of libraries may print
data, and Dagster stores texts and tracebacks: nothing but our own sentences passes.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import dagster as dg

from etl.errors import RedoxWarehouseError, TransientError, WarehouseBusy
from etl.process import prepare_process
from etl.settings import Settings
from models.catalog import CatalogFaults

PASSES = (dg.Failure, dg.RetryRequested)


class Step(Protocol):
    """What the boundary needs of a step's context."""

    @property
    def retry_number(self) -> int:
        """0 at the first try."""


@contextmanager
def told_to_dagster(step: Step, settings: Settings) -> Iterator[None]:
    """Turn every error into Dagster's, without tracebacks that hold data."""
    prepare_process(settings)
    try:
        yield
    except PASSES:
        raise
    except (TransientError, WarehouseBusy) as error:
        raise _again(error, step, settings) from None
    except (RedoxWarehouseError, CatalogFaults) as error:
        raise _failed(str(error), error) from None
    except Exception as error:
        raise _unexpected(error) from None


@contextmanager
def told_to_sensor() -> Iterator[None]:
    """The same for a sensor: the tick fails with our sentence, the next tick tries again."""
    try:
        yield
    except RedoxWarehouseError as error:
        raise dg.Failure(description=str(error)) from None
    except Exception as error:
        raise _unexpected(error) from None


def _again(error: Exception, step: Step, settings: Settings) -> Exception:
    limits = settings.orchestration
    if step.retry_number >= limits.transient_retries:
        return _failed(str(error), error)
    wait_s = limits.retry_wait_s * 2**step.retry_number
    return dg.RetryRequested(max_retries=limits.transient_retries, seconds_to_wait=wait_s)


def _unexpected(error: Exception) -> dg.Failure:
    """A fault of ours: its type, not its text."""
    sentence = (
        f"An unexpected {type(error).__name__} stopped the step; nothing half-done was kept. "
        "Run `redox-warehouse doctor`, and report the lines below."
    )
    return _failed(sentence, error)


def _failed(sentence: str, error: Exception) -> dg.Failure:
    """A failure that no retry fixes, with the places the error passed."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
    listing = dg.MetadataValue.md("\n".join(f"- `{place}`" for place in places))
    return dg.Failure(description=sentence, metadata={"places": listing}, allow_retries=False)
