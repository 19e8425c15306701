"""The one door of the package: writes a run to files and tells what it wrote."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from etl.errors import UsageFault
from etl.synth.dials import Dials
from etl.synth.faults.plant import plant_faults
from etl.synth.output import Files, wrap
from etl.synth.stream import Stream
from etl.synth.truth import Truth
from models.catalog.records import Catalog


@dataclass(frozen=True, slots=True)
class Written:
    """What a run wrote; `size_bytes` is before compression."""

    messages: int
    size_bytes: int
    files: tuple[Path, ...]


def write_synthetic(
    folder: Path, *, catalog: Catalog, dials: Dials, truth: Path | None = None
) -> Written:
    """Write `dials.messages` messages into a new or empty folder, and their truth into another.

    The bytes depend on the catalog and the dials alone. Raises UsageFault if the folder holds
    files already or the truth would lie among the messages.
    """
    _check_folders(folder, truth)
    files = Files(folder, output=dials.output, total=dials.messages)
    book = Truth(truth) if truth else None
    rng = random.Random(f"{dials.seed}/write")
    for message in plant_faults(Stream(catalog, dials), catalog=catalog, dials=dials):
        body = message.body
        if dials.output.envelope:
            body = wrap(body, output=dials.output, received_at=message.event_at)
        is_blank = 0 < dials.output.blank_lines > rng.random()
        files.write(body, position=message.position, blank_line=is_blank)
        if book:
            book.add(message, file=files.paths[-1].name, item=files.item)
    files.close()
    if book:
        book.close()
    return Written(dials.messages, files.size_bytes, tuple(files.paths))


def _check_folders(folder: Path, truth: Path | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageFault(f"The folder {folder} is not empty; name a new one.")
    if truth and truth.absolute().is_relative_to(folder.absolute()):
        raise UsageFault(
            "The truth would be loaded with the messages; name a folder outside of it."
        )
