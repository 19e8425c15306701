"""What waits in the watched paths: lists them, compares with the list of what was seen.

Never opens the warehouse, so that it answers while a load runs. A batch is a listing kept in
HOME/batches under the hash of its content: file names may hold patients' names, so only the hash
travels through the orchestration.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from etl.atomic import own_folder, replacing
from etl.errors import RedoxWarehouseError, UsageFault
from etl.pipeline.batches import BatchSummary, OpenHome, load_batch
from etl.pipeline.pull import recover_pull
from etl.pipeline.records import LoadSummary, Progress, no_progress
from etl.pipeline.sources import Sources
from etl.settings import Settings
from etl.sources.files import LeftOut, SourceFile, label_of
from etl.sources.folders import TROUBLE
from etl.sources.seen import read_seen, unseen
from etl.warehouse.lake import LakeFolder

KEEP_BATCHES = timedelta(days=30)
MOST_TROUBLES = 20


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a look at the watched paths found.

    `sources` are new or changed and settled; `unsettled` counts files changed just now; `left_out`
    counts by reason what is not taken below the watched paths;
    `unreadable` says of watched paths that could not be listed, and of entries below them that
    cannot be read, why, without names of files.
    """

    sources: tuple[SourceFile, ...]
    unsettled: int
    unreadable: tuple[str, ...]
    left_out: tuple[tuple[str, int], ...] = ()

    @property
    def size_bytes(self) -> int:
        """Bytes as stored, compressed or not."""
        return sum(source.size for source in self.sources)


def watched_paths(settings: Settings) -> tuple[str, ...]:
    """The paths that are watched: HOME/incoming first, where webhook and pulls hand over."""
    return (str(settings.incoming_path), *settings.watch.paths)


def find_waiting(settings: Settings, now: datetime) -> Waiting:
    """Look at all watched paths once; a path that is missing does not hide the others."""
    found: list[SourceFile] = []
    unreadable: list[str] = []
    left_out: list[LeftOut] = []
    for number, path in enumerate(watched_paths(settings)):
        sources = Sources(settings.buckets, home=settings.home)
        try:
            found += sources.list([path])
            unreadable += _troubles(sources.left_out)
            left_out += sources.left_out
        except RedoxWarehouseError as error:
            if number:  # incoming is made by the first webhook or pull
                unreadable.append(f"{path} (number {number} of watch.paths): {_kind(error)}")
    new = list(unseen(found, read_seen(settings.seen_path)))
    now_ns = int(now.timestamp() * 1e9)
    settled = [source for source in new if _is_settled(source, now_ns, settings.watch.settle_s)]
    return Waiting(
        tuple(settled), len(new) - len(settled), tuple(unreadable), count_left_out(left_out)
    )


def count_left_out(left_out: Sequence[LeftOut]) -> tuple[tuple[str, int], ...]:
    """How many entries were left out, by reason."""
    return tuple(sorted(Counter(str(one.reason) for one in left_out).items()))


def _troubles(left_out: Sequence[LeftOut]) -> list[str]:
    """The entries below a watched path that someone should look at, by their labels."""
    troubled = [one for one in left_out if one.reason in TROUBLE]
    return [f"{label_of(one.uri)}: {one.reason}" for one in troubled[:MOST_TROUBLES]]


def _kind(error: RedoxWarehouseError) -> str:
    return "nothing is there" if isinstance(error, UsageFault) else "it cannot be listed now"


def _is_settled(source: SourceFile, now_ns: int, settle_s: float) -> bool:
    """Objects of a bucket appear whole; a file's time in the future says nothing."""
    if "://" in source.uri:
        return True
    return not 0 <= now_ns - source.mtime_ns < settle_s * 1e9


def batch_name(sources: Sequence[SourceFile]) -> str:
    """The hash of a batch: equal listings have equal names."""
    lines = sorted(json.dumps(astuple(source)) for source in sources)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:32]


def keep_batch(settings: Settings, sources: Sequence[SourceFile]) -> str:
    """Write the listing for its owner only; gives its name."""
    folder = settings.home / "batches"
    own_folder(folder)
    name = batch_name(sources)
    with replacing(folder / f"{name}.json") as file:
        file.write(json.dumps([astuple(source) for source in sources]).encode())
    _drop_old(folder)
    return name


def _drop_old(folder: Path) -> None:
    oldest = time.time() - KEEP_BATCHES.total_seconds()
    for path in folder.glob("*.json"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                path.unlink()


def read_batch(settings: Settings, name: str) -> list[SourceFile]:
    """The sources of a batch. Raises UsageFault when the listing is gone."""
    path = settings.home / "batches" / f"{name}.json"
    if not name.isalnum() or not path.is_file():
        raise UsageFault(
            "The listing of this batch is no longer kept; run the load without a batch, it takes "
            "everything that waits."
        )
    return [SourceFile(*row) for row in json.loads(path.read_text("utf-8"))]


def list_batch(settings: Settings, name: str) -> list[SourceFile]:
    """Return the sources of a batch, none when its listing is no longer kept."""
    try:
        return read_batch(settings, name)
    except UsageFault:
        return []


def places_of(settings: Settings, sources: Sequence[SourceFile]) -> tuple[str, ...]:
    """Return where sources arrived: `incoming` or the watched paths by number, never their names."""
    inside = f"{settings.incoming_path}/"
    found = {"incoming" if one.uri.startswith(inside) else "watch.paths" for one in sources}
    return tuple(sorted(found))


def load_waiting(
    settings: Settings,
    now: datetime,
    progress: Progress = no_progress,
    *,
    opened: OpenHome | None = None,
) -> BatchSummary:
    """Load everything that waits in the watched paths, replies of a killed pull included.

    `opened` as of `load_batch`. Where nothing waits, too, a lake's warehouse takes versions that it lacks,
    and a lost status.json is written again.
    """
    recover_pull(settings)
    waiting = find_waiting(settings, now)
    is_status_lost = settings.warehouse_path.exists() and not settings.status_path.exists()
    if waiting.sources or is_status_lost or LakeFolder(settings.home).is_there():
        batch = load_batch(settings, waiting.sources, progress, opened=opened)
    else:
        batch = BatchSummary(LoadSummary(), ())
    return replace(batch, left_out=waiting.left_out, unsettled=waiting.unsettled)
