"""What a worker process does: judge units, flatten shares. Reads landed bytes, writes staged files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from etl.conform.exact_json import OTHER_FORMAT, Unreadable, parse_exact
from etl.conform.judge import CONFORMED, QUARANTINED, Judge, Judgement, Limits
from etl.conform.other_formats import HEAD_BYTES, is_other_format
from etl.ingest.envelope import BadEnvelope, unwrap
from etl.landing.frames import ITEM, NO_TIME, TRUNCATED
from etl.landing.store import Landing, LandingReader
from etl.pipeline.batch import LoadableMessage
from etl.pipeline.share import ShareFlattener
from etl.pipeline.sources import Sources
from etl.pipeline.value_policy import nulled_fields
from etl.pipeline.work import NOT_LOADABLE, NOT_LOADED, Judged, Numbered, ShareResult, Unit
from etl.records import About
from etl.settings import Settings
from models.catalog import Catalog, read_catalog
from models.tables.plan import WarehousePlan, plan_tables

AT_ONCE_BYTES = 64 * 2**20


@dataclass(slots=True)
class Worker:
    """Everything a process needs, compiled once."""

    catalog: Catalog
    plan: WarehousePlan
    judge: Judge
    landing: Landing
    limits: Limits
    nulled: Mapping[str, frozenset[str]]
    reader: LandingReader | None = None

    @classmethod
    def of(cls, settings: Settings) -> Worker:
        """A worker of one home."""
        catalog = read_catalog(settings.catalog_path)
        return cls.compiled(settings, catalog, plan_tables(catalog))

    @classmethod
    def compiled(cls, settings: Settings, catalog: Catalog, plan: WarehousePlan) -> Worker:
        """A worker with a catalog and plan at hand."""
        limits = Limits(settings.load.max_message_bytes, settings.load.max_depth)
        landing = Landing(settings.landing_path, sources=Sources(settings.buckets))
        nulled = nulled_fields(catalog, settings.values)
        return cls(catalog, plan, Judge(catalog, limits), landing, limits, nulled)

    def judge_unit(self, unit: Unit) -> Judged:
        """Judge every item of a unit."""
        status = np.empty(len(unit), dtype=np.int8)
        shape = np.zeros(len(unit), dtype=np.int16)
        shapes: dict[tuple[str, int], int] = {}
        fingerprints = bytearray()
        reasons: dict[int, str] = {}
        about: dict[int, About] = {}
        received_at = unit.received_at_us.copy()
        for index, body, received_at_us, reason in self._bodies(unit, range(len(unit))):
            received_at[index] = received_at_us
            judgement = None if reason else self._judge(body)
            if judgement is None or judgement.status is QUARANTINED:
                status[index] = QUARANTINED
                reasons[index] = reason or (judgement.reason if judgement else "")
                if judgement and judgement.about:
                    about[index] = judgement.about
                fingerprints += bytes(16)
                continue
            status[index] = judgement.status
            shape[index] = shapes.setdefault(judgement.shape, len(shapes))
            fingerprints += judgement.fingerprint
        prints = bytes(fingerprints)
        return Judged(status, shape, tuple(shapes), prints, reasons, received_at, about)

    def _judge(self, body: bytes) -> Judgement:
        """The judgement; a fault of ours quarantines the one message that shows it, not a load."""
        try:
            return self.judge.judge(body)
        except MemoryError:
            raise
        except Exception:
            return Judgement(QUARANTINED, reason=NOT_LOADABLE)

    def _bodies(self, unit: Unit, indexes: Iterable[int]) -> Iterator[tuple[int, bytes, int, str]]:
        """Index, message bytes, received_at and, where there is no message, the reason."""
        content = self._content(unit)
        offsets, lengths = unit.offset.tolist(), unit.length.tolist()
        kinds, received = unit.kind.tolist(), unit.received_at_us.tolist()
        for index in indexes:
            length, is_broken, received_at = lengths[index], kinds[index] != ITEM, received[index]
            if length > self.limits.max_bytes:
                head = content(offsets[index], HEAD_BYTES) if is_broken else b""
                yield index, b"", received_at, _reason_of_large(head, is_broken=is_broken)
                continue
            raw = content(offsets[index], length)
            if is_broken:
                is_cut = kinds[index] == TRUNCATED
                reason = "truncated" if is_cut else self._reason_of_broken(raw)
                yield index, raw, received_at, reason
                continue
            if unit.unwrap:
                try:
                    envelope = unwrap(raw, unit.unwrap)
                except BadEnvelope:
                    yield index, b"", received_at, self._reason_of_row(raw)
                    continue
                raw = envelope.body
                if envelope.received_at is not None:
                    received_at = int(envelope.received_at.timestamp() * 1_000_000)
            yield index, raw, received_at, ""

    def _content(self, unit: Unit) -> Callable[[int, int], bytes]:
        """How to get at items: from the unit's bytes, read at once, or singly where they are many."""
        reader = self._reader(unit)
        if not len(unit) or unit.span_bytes > AT_ONCE_BYTES:
            return reader.read
        first = int(unit.offset[0])
        content = reader.read(first, unit.span_bytes)
        return lambda offset, length: content[offset - first : offset - first + length]

    def _reader(self, unit: Unit) -> LandingReader:
        if self.reader is None or self.reader.object_id != unit.object_id:
            if self.reader is not None:
                self.reader.close()
            self.reader = self.landing.open_reader(unit.object_id)
        return self.reader

    def _reason_of_row(self, raw: bytes) -> str:
        """Why a row is no envelope: it is no JSON object, or holds no message under the key."""
        try:
            row = parse_exact(raw, max_depth=self.limits.max_depth)
        except Unreadable as unreadable:
            return unreadable.reason
        return "bad_envelope" if isinstance(row, dict) else "not_object"

    def _reason_of_broken(self, raw: bytes) -> str:
        try:
            self.judge.conform(raw)
        except Unreadable as unreadable:
            return unreadable.reason
        return "not_json"

    def flatten(self, share: Sequence[Numbered], folder: Path) -> ShareResult:
        """Flatten the loadable items of a share and stage their rows in a folder."""
        flattener = ShareFlattener(self.catalog, self.plan, self.judge, folder, self.nulled)
        for numbered in share:
            for message in self._loadable(numbered):
                flattener.add(message)
        staged = flattener.finish()
        return ShareResult(staged, tuple(flattener.refused))

    def _loadable(self, numbered: Numbered) -> Iterator[LoadableMessage]:
        unit, judged = numbered.unit, numbered.judged
        wanted = np.flatnonzero(numbered.message_id != NOT_LOADED).tolist()
        message_ids, statuses = numbered.message_id.tolist(), judged.status.tolist()
        shapes = judged.shape.tolist()
        for index, body, received_at_us, _ in self._bodies(unit, wanted):
            line, aside, paths = body, None, None
            if statuses[index] == CONFORMED:
                conformed = self.judge.conform(body)
                line, aside, paths = conformed.line, conformed.aside, conformed.paths
            yield LoadableMessage(
                message_id=message_ids[index],
                object_id=unit.object_id,
                item=unit.first_item + index,
                fingerprint=judged.fingerprints[16 * index : 16 * index + 16],
                received_at_us=None if received_at_us == NO_TIME else received_at_us,
                fallback_day=unit.fallback_day,
                shape=judged.shapes[shapes[index]],
                line=line,
                aside=aside,
                paths=paths,
            )


def _reason_of_large(head: bytes, *, is_broken: bool) -> str:
    """Why an item above the limit, which is not read whole, is no message."""
    if not is_broken:
        return "too_large"
    return OTHER_FORMAT if is_other_format(head) else "not_json"
