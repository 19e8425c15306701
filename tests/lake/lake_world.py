"""The same messages in a home of their own kind twice: loaded locally, and by Spark."""

from __future__ import annotations

import pickle
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from etl.lake.cluster import InProcess, Work
from etl.lake.driver import load_lake
from etl.pipeline import units
from etl.pipeline.load import load_paths
from etl.pipeline.records import LoadSummary
from etl.pipeline.sources import Sources
from etl.sections import LakeSettings
from etl.settings import Settings, read_settings
from etl.synth import Dials, write_synthetic
from etl.synth.dials import FAULTS, Output, Shares
from etl.warehouse.lake import LakeFolder
from tests.packaged import packaged_catalog

FEW_MODELS = ("PatientAdmin", "Results", "Scheduling")
HASH_KEY = "content_hash.key"
SHARES = Shares(**dict.fromkeys(FAULTS, 0.02), duplicates=0.05, same_log_id=0.02)
AT = datetime(2026, 11, 28, 12, tzinfo=UTC)


def clock() -> datetime:
    """Both homes are loaded at the same time."""
    return AT


class LakeWorld:
    """Homes below a folder, `local`, `lake` and `here`, which share the key of content hashes.

    `here` is a lake that this process loads.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.local = folder / "local"
        self.lake = folder / "lake"
        self.here = folder / "here"
        self.folder_of_lake = LakeFolder(self.lake)

    def write(self, name: str, dials: Dials, *, files: int = 2) -> Path:
        """A folder of synthetic messages with faults and duplicates."""
        path = self.folder / name
        dials = replace(dials, shares=SHARES, output=Output(files=files, blank_lines=0.01))
        write_synthetic(path, catalog=packaged_catalog(), dials=dials)
        return path

    def load_locally(self, *paths: Path, unwrap: str = "") -> LoadSummary:
        listed = [str(path) for path in paths]
        return load_paths(self.settings(self.local), listed, unwrap=unwrap, clock=clock)

    def load_by(self, spark: Any, *paths: Path, unwrap: str = "") -> LoadSummary:
        """By a session of Spark, or by None in this process."""
        return self._load_lake(self.lake, spark, *paths, unwrap=unwrap)

    def load_here(self, *paths: Path, unwrap: str = "") -> LoadSummary:
        """Into the lake `here`, in this process."""
        return self._load_lake(self.here, None, *paths, unwrap=unwrap)

    def _load_lake(self, home: Path, spark: Any, *paths: Path, unwrap: str) -> LoadSummary:
        self.share_key(home)
        listed = Sources({}).list([str(path) for path in paths])
        settings = self.settings(home)
        return load_lake(settings, spark, listed, unwrap=unwrap, clock=clock).loaded

    def settings(self, home: Path) -> Settings:
        """A task of one unit each, so that there are several."""
        lake = LakeSettings(task_bytes=2**16)
        return read_settings(home).model_copy(update={"lake": lake})

    def share_key(self, home: Path) -> None:
        """Content hashes of both homes are of one key."""
        if (self.local / HASH_KEY).exists() and not (home / HASH_KEY).exists():
            home.mkdir(mode=0o700)
            shutil.copy2(self.local / HASH_KEY, home / HASH_KEY)

    def named_files(self) -> set[str]:
        """All files that versions name."""
        return self.folder_of_lake.needed()

    def orphans(self) -> set[str]:
        """Files of the lake that no version names."""
        root = self.folder_of_lake.root
        there = {path.relative_to(root).as_posix() for path in root.rglob("*.parquet")}
        return there - self.named_files()


def small_units(monkeypatch: Any, size_bytes: int = 2**18) -> None:
    """Let units be so small that few messages make several."""
    monkeypatch.setattr(units, "UNIT_BYTES", size_bytes)


def map_here(_: InProcess, work: Work, tasks: int, schema: pa.Schema) -> list[dict[str, Any]]:
    """Run tasks as executors do: handed over as bytes, each in one go, the last first."""
    own: Work = pickle.loads(pickle.dumps(work))
    rows = []
    for task in reversed(range(tasks)):
        for batch in own(iter([pa.RecordBatch.from_pydict({"id": [task]})])):
            assert batch.schema == schema
            rows += batch.to_pylist()
    return rows
