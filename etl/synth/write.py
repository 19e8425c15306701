"""The one door of the package: writes a run to files and tells what it wrote."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from etl.errors import UsageFault
from etl.synth.dials import Dials
from etl.synth.output import Files, wrap
from etl.synth.stream import Stream
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
    """Write `dials.messages` messages into a new or empty folder.

    The bytes depend on the catalog and the dials alone. Raises UsageFault if the folder holds
    files already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageFault(f"The folder {folder} is not empty; name a new one.")
    files = Files(folder, output=dials.output, total=dials.messages)
    for message in Stream(catalog, dials):
        body = message.body
        if dials.output.envelope:
            body = wrap(body, output=dials.output, received_at=message.event_at)
        files.write(body, position=message.position)
    files.close()
    return Written(dials.messages, files.size_bytes, tuple(files.paths))
