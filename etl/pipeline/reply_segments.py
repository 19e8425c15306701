"""Hands kept replies over as closed segments in HOME/incoming, where the load finds them.

The same replies always make the same file: name and content follow from them alone. So a hand-over
repeated after a crash replaces its file, or brings back bytes that landing already knows.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from etl.framing.segments import MAGIC, encode_record
from etl.pull.records import KeptReply
from etl.pull.spool import storage_fault

CLOSED_SUFFIX = ".seg"
PART_NAME = ".pull.part"
"""One pull runs per home, so one name is enough; the next pull overwrites what a crash left."""


def write_segment(replies: Iterable[KeptReply], folder: Path) -> None:
    """Write the replies as one segment, in order; durable under its final name on return.

    Raises DiskFull or PermanentError, and leaves no file under a final name then.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = folder / PART_NAME
        name = _write_part(part, replies)
        part.rename(folder / name)
        _sync_folder(folder)
    except OSError as error:
        raise storage_fault(error) from error


def _write_part(part: Path, replies: Iterable[KeptReply]) -> str:
    """Write the content and give the name it gets: time of the first reply, then its hash."""
    digest = hashlib.sha256()
    first_at_us: int | None = None
    opened = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(opened, "wb") as file:
        file.write(MAGIC)
        for reply in replies:
            first_at_us = reply.received_at_us if first_at_us is None else first_at_us
            record = encode_record(reply.received_at_us, reply.body)
            digest.update(record)
            file.write(record)
        file.flush()
        os.fsync(file.fileno())
    first_at = datetime.fromtimestamp((first_at_us or 0) / 1e6, UTC)
    return f"{first_at:%Y%m%dT%H%M%S%fZ}-{digest.hexdigest()[:16]}{CLOSED_SUFFIX}"


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
