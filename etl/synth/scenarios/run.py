"""Writes a run of scenarios: messages in the order of their delivery, and the truth beside them.

Memory is bounded: messages wait in temporary files, one for each stretch of the order, and one
stretch at a time is read back and sorted. The files have no names: nothing is left after a crash.
"""

from __future__ import annotations

import random
import struct
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from etl.errors import UsageFault
from etl.synth.clock import DAY_MS
from etl.synth.dials import Format, Output
from etl.synth.output import Files
from etl.synth.scenarios.cases import make_case, tell
from etl.synth.scenarios.deliver import Delivery, deliver
from etl.synth.scenarios.dials import Arrival, ScenarioDials
from etl.synth.scenarios.quirks import Careless, Quirk
from etl.synth.scenarios.senders import make_senders
from etl.synth.scenarios.times import HOUR_MS, start_of
from etl.synth.scenarios.truth import Truth

EVENTS, REPLIES = "events", "replies"
LATE_HOURS = (2, 96)
HEAD = struct.Struct(">QQI")
STRETCHES = 64


@dataclass(frozen=True, slots=True)
class ScenariosWritten:
    """What a run wrote; `size_bytes` is before compression. Replies stand in envelopes."""

    patients: int
    events: int
    replies: int
    size_bytes: int
    files: tuple[Path, ...]

    @property
    def messages(self) -> int:
        return self.events + self.replies


def write_scenarios(
    folder: Path,
    *,
    dials: ScenarioDials,
    truth: Path | None = None,
    quirks: tuple[Quirk, ...] = (),
) -> ScenariosWritten:
    """Write the messages into a new or empty folder, and the truth of the end into another.

    Events are in `events`, one message a line; replies, which carry no time of their own, are in
    `replies`, each in an envelope with `received_at` around its `body`. The bytes depend on the
    dials alone. The truth does not know of `quirks`: it is what the senders meant.
    Raises UsageFault if the folder holds files already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageFault(f"The folder {folder} is not empty; name a new one.")
    if truth and truth.absolute().is_relative_to(folder.absolute()):
        raise UsageFault(
            "The truth would be loaded with the messages; name a folder outside of it."
        )
    run = _Run(dials, quirks)
    book = Truth(truth) if truth else None
    run.tell_all(book)
    if book:
        book.close()
    return run.write(folder)


class _Run:
    def __init__(self, dials: ScenarioDials, quirks: tuple[Quirk, ...]) -> None:
        self._dials = dials
        self._careless = Careless(quirks, dials.seed) if quirks else None
        self._begin = start_of(dials.first_day)
        self._end = self._begin + dials.days * DAY_MS
        self._rng = random.Random(f"{dials.seed}/delivery")
        self._spools: dict[Path, Spool] = {}

    def tell_all(self, truth: Truth | None) -> None:
        """Tell every case; the messages wait in the spools."""
        dials = self._dials
        senders = make_senders(dials.sources, dials.seed)
        for number in range(dials.patients):
            sender = senders[number % len(senders)]
            rng = random.Random(f"{dials.seed}/case/{number}")
            case = make_case(sender, rng=rng, begin=self._begin, end=self._end)
            for step in tell(case):
                self._keep(deliver(case, step))
            if truth:
                truth.add(case)

    def _keep(self, delivery: Delivery) -> None:
        copies = 1
        if self._careless:
            day = (delivery.at - self._begin) // DAY_MS + 1
            copies = self._careless.copies(delivery.body, day)
        for _ in range(copies):
            self._spool(delivery).add(self._place(delivery), delivery.as_bytes())

    def _spool(self, delivery: Delivery) -> Spool:
        """Where a message waits: events and replies apart, the senders too if so told."""
        name = Path(REPLIES if delivery.is_reply else EVENTS)
        if self._dials.by_sender:
            name /= delivery.sender.lower().replace(" ", "-")
        if name not in self._spools:
            longest = self._end - self._begin + LATE_HOURS[1] * HOUR_MS
            self._spools[name] = Spool(longest)
        return self._spools[name]

    def _place(self, delivery: Delivery) -> int:
        """Where a message stands in the order of delivery."""
        if self._dials.arrival is Arrival.SHUFFLED:
            return self._rng.randrange(self._end - self._begin)
        place = delivery.at - self._begin
        if not delivery.is_reply and self._rng.random() < self._dials.late:
            place += int(self._rng.uniform(*LATE_HOURS) * HOUR_MS)
        return place

    def write(self, folder: Path) -> ScenariosWritten:
        """Write what was told, in order."""
        counts = Counter[str]()
        paths: list[Path] = []
        size_bytes = 0
        for name, spool in sorted(self._spools.items()):
            counts[name.parts[0]] += len(spool)
            files = self._files(folder / name, len(spool))
            for position, body in enumerate(spool.drain()):
                files.write(body, position=position)
            files.close()
            paths += files.paths
            size_bytes += files.size_bytes
        return ScenariosWritten(
            self._dials.patients, counts[EVENTS], counts[REPLIES], size_bytes, tuple(paths)
        )

    def _files(self, folder: Path, total: int) -> Files:
        folder.mkdir(parents=True)
        output = Output(Format.NDJSON, self._dials.compression, min(self._dials.files, total))
        return Files(folder, output=output, total=total)


class Spool:
    """Takes messages with a key from 0 up to `end`, gives them back sorted by key."""

    def __init__(self, end: int) -> None:
        self._width = end // STRETCHES + 1
        self._files: list[IO[bytes]] = [
            tempfile.TemporaryFile(buffering=2**16)  # noqa: SIM115  # closed by `drain`
            for _ in range(STRETCHES)
        ]
        self._count = 0

    def add(self, key: int, body: bytes) -> None:
        """Keep one message; of equal keys the first added comes first."""
        file = self._files[min(max(key, 0) // self._width, STRETCHES - 1)]
        file.write(HEAD.pack(max(key, 0), self._count, len(body)))
        file.write(body)
        self._count += 1

    def drain(self) -> Iterator[bytes]:
        """All messages in order; the spool is empty afterwards."""
        for file in self._files:
            with file:
                file.seek(0)
                yield from (body for _, _, body in sorted(_read(file.read())))

    def __len__(self) -> int:
        return self._count


def _read(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    place = 0
    while place < len(data):
        key, number, length = HEAD.unpack_from(data, place)
        place += HEAD.size + length
        yield key, number, data[place - length : place]
