"""What runs on executors: reads units of landed bytes and gives outcomes, or writes their rows.

Called by Spark's `mapInArrow` with numbers of tasks; answers are small rows. Imports few packages
(requirements-executors.txt). Nothing of a message is in an error: Spark prints tracebacks of tasks
into logs and sends them to the driver.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa

from etl.errors import PermanentError, RedoxWarehouseError
from etl.kernel.compiled import Compiled
from etl.kernel.settle import Settling
from etl.lake.files import TaskFiles
from etl.lake.outcomes import RESULT, to_row
from etl.lake.work import NumberedUnit, PlacedUnit, Site, UnitPlan, digest_of, unit_of
from etl.landing.store import Landing
from etl.pipeline.hash_key import NAME as KEY_FILE
from etl.pipeline.hash_key import mark_of_key, read_hash_key
from etl.pipeline.reading import Reading
from etl.pipeline.units import origin_of
from etl.process import private_files
from etl.warehouse.lake import LakeFile
from models.catalog import read_catalog
from models.tables.plan import plan_tables

MARK = "[redox-warehouse]"
"""Before each sentence that an executor raises, so that the driver finds it in Spark's text."""
FILES = pa.schema(
    [
        ("table", pa.string()),
        ("file", pa.string()),
        ("rows", pa.int64()),
        ("bytes", pa.int64()),
        ("sha256", pa.string()),
    ]
)
Batches = Iterator[pa.RecordBatch]


@dataclass(frozen=True, slots=True)
class Identify:
    """Says what became of the items of units: tasks[task] are numbers and names of units."""

    site: Site
    tasks: Sequence[Sequence[tuple[int, UnitPlan]]]

    def __call__(self, batches: Batches) -> Batches:
        with _without_data():
            for task in _numbers(batches):
                reading = _reading(self.site)
                for number, plan in self.tasks[task]:
                    result = reading.identify_unit(unit_of(plan, reading.landing))
                    yield pa.RecordBatch.from_pylist([to_row(number, result)], schema=RESULT)


@dataclass(frozen=True, slots=True)
class Write:
    """Writes the rows of numbered messages into files, one task after the other."""

    site: Site
    tasks: Sequence[Sequence[NumberedUnit | PlacedUnit]]

    def __call__(self, batches: Batches) -> Batches:
        with _without_data():
            for task in _numbers(batches):
                rows = [asdict(file) for file in write_task(self.site, self.tasks[task])]
                yield pa.RecordBatch.from_pylist(rows, schema=FILES)


def write_task(site: Site, units: Sequence[NumberedUnit | PlacedUnit]) -> Iterator[LakeFile]:
    """Read units, lay out the rows of messages that have ids, write them; gives the files."""
    reading = _reading(site)
    settling = Settling(reading.compiled)
    files = TaskFiles(Path(site.home), reading.compiled.plan)
    for own in units:
        unit = unit_of(own.plan, reading.landing)
        result = reading.read_unit(unit)
        if digest_of(result.hashes) != own.digest:
            raise PermanentError(
                "Landed bytes read differently a second time; check the disk, then run it again."
            )
        rows = settling.settle(result, own.ids(len(result)), origin_of(unit))
        files.add(rows, message_bytes=unit.size_bytes)
    files.add(settling.finish())
    yield from files.finish()


_known: dict[Site, Reading] = {}
"""Of the last home this process worked for: compiling a catalog takes half a second."""


def read_by(site: Site, reading: Reading) -> None:
    """Let tasks of this process read by what the driver has compiled."""
    _known.clear()
    _known[site] = reading


def _reading(site: Site) -> Reading:
    if site not in _known:
        read_by(site, Reading(_compile(site), Landing(Path(site.home) / "landing")))
    return _known[site]


def _compile(site: Site) -> Compiled:
    catalog = read_catalog(Path(site.overlay))
    if catalog.content_hash != site.catalog_hash:
        raise PermanentError(
            "An executor has another catalog than the driver; install the same release there and "
            "let it reach HOME/catalog."
        )
    return Compiled(
        catalog,
        plan_tables(catalog),
        limits=site.limits,
        secret=_read_key(site),
        nulled=dict(site.nulled),
    )


def _read_key(site: Site) -> bytes:
    """The home's key, which is never made here."""
    if (Path(site.home) / KEY_FILE).is_file():
        key = read_hash_key(Path(site.home))
        if mark_of_key(key) == site.key_mark:
            return key
    raise PermanentError(
        f"An executor does not find the home at {site.home} as the driver has it; give a folder that "
        "all reach under one path."
    )


def _numbers(batches: Batches) -> Iterator[int]:
    for batch in batches:
        yield from batch.column(0).to_pylist()


class TaskFailed(Exception):
    """What Spark gets to see of an error: one sentence."""


@contextmanager
def _without_data() -> Iterator[None]:
    """The one boundary of a task; files it makes are for their owner only."""
    try:
        with private_files():
            yield
    except RedoxWarehouseError as error:
        raise TaskFailed(f"{MARK} {error}") from None
    except MemoryError:
        raise TaskFailed(
            f"{MARK} An executor's memory ran out; lower lake.task_bytes or give executors more."
        ) from None
    except Exception as error:
        raise TaskFailed(
            f"{MARK} An executor failed ({type(error).__name__}); check that it reaches the home "
            "and has room there, then run it again."
        ) from None
