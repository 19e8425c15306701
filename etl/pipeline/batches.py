"""Loads many listed sources; one that permanently cannot be read does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from etl.errors import RedoxWarehouseError
from etl.pipeline.load import Loader, open_loader
from etl.pipeline.misread import Misread, find_misread
from etl.pipeline.records import LoadSummary, Progress, no_progress
from etl.settings import Settings
from etl.sources.files import SourceFile, label_of

OpenHome = Callable[[], AbstractContextManager[Loader]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A source that permanently cannot be read; `label` stands for its name."""

    label: str
    reason: str


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """What loading batches did; `misread` is what an envelope key would load.

    `left_out` counts by reason what was not taken below the paths, `unsettled` the files that
    changed just now and wait. `skipped_ids` are the landed objects that were known before.
    """

    loaded: LoadSummary
    refused: tuple[Refusal, ...]
    misread: Misread = field(default_factory=Misread)
    left_out: tuple[tuple[str, int], ...] = ()
    unsettled: int = 0
    skipped_ids: tuple[str, ...] = ()


def load_batch(
    settings: Settings,
    sources: Iterable[SourceFile],
    progress: Progress = no_progress,
    *,
    unwrap: str = "",
    in_place: bool = False,
    opened: OpenHome | None = None,
) -> BatchSummary:
    """Load listed sources; what was loaded before is skipped by content.

    Refused sources are noted in seen.parquet without an object, so the sensor leaves them until
    they change. Transient errors are raised: the whole batch can be tried again. `opened` gives
    another loader than that of this home's warehouse.
    """
    refused: list[Refusal] = []

    def refuse(source: SourceFile, error: RedoxWarehouseError) -> None:
        reason = str(error).replace(source.uri, "the source")
        refused.append(Refusal(label_of(source.uri), reason))

    with opened() if opened else open_loader(settings, progress) as loader:
        loaded = loader.load_sources(
            sources,
            unwrap=unwrap,
            in_place=in_place or settings.load.in_place,
            refused=refuse,
        )
        skipped_ids = tuple(loader.skipped_ids)
        misread = find_misread(loader, loaded, skipped_ids)
    return BatchSummary(loaded, tuple(refused), misread, skipped_ids=skipped_ids)
