"""What a folder of exports holds beside JSON is told apart from JSON that is damaged."""

from __future__ import annotations

import bz2
import io
import json
import lzma
import random
import tarfile
import zipfile
from collections.abc import Callable

import pytest

from etl.other_formats import is_other_format
from etl.pipeline.load import load_paths
from etl.sections import LoadSettings
from etl.settings import Settings
from tests.pipeline.small_messages import ask, make_message

PAYLOAD = json.dumps(make_message("1")).encode()


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.json", PAYLOAD)
    return buffer.getvalue()


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo("a.json")
        entry.size = len(PAYLOAD)
        archive.addfile(entry, io.BytesIO(PAYLOAD))
    return buffer.getvalue()


OTHERS: dict[str, Callable[[], bytes]] = {
    "zip": _zip,
    "tar": _tar,
    "bzip2": lambda: bz2.compress(PAYLOAD),
    "xz": lambda: lzma.compress(PAYLOAD),
    "pdf": lambda: b"%PDF-1.7\n\xe2\xe3\xcf\xd3 binary",
    "xml": lambda: b'\xef\xbb\xbf<?xml version="1.0"?>\n<ClinicalDocument/>',
    "hl7": lambda: b"MSH|^~\\&|SYN|SYN|||20260302||ADT^A01|1|P|2.5\rPID|1||1\r",
    "dicom": lambda: bytes(128) + b"DICM" + bytes(64),
}
NOT_THOSE = {
    "damaged message": b'{"Meta": ',
    "text": b"nonsense",
    "other encoding": PAYLOAD.decode().replace("1", "\xe9").encode("latin-1"),
    "noise": random.Random(1).randbytes(500),
}


@pytest.mark.parametrize("size", ["small", "large"])
def test_files_of_other_kinds_are_called_so(settings: Settings, size: str) -> None:
    folder = settings.home.parent / "inputs"
    folder.mkdir()
    filling = b" " * (4096 if size == "large" else 0)
    for name, make in OTHERS.items():
        (folder / name).write_bytes(make() + filling)
    (folder / "good.json").write_bytes(PAYLOAD)
    limits = LoadSettings(max_message_bytes=1024 if size == "large" else 2**20)
    summary = load_paths(settings.model_copy(update={"load": limits}), [str(folder)])
    assert (summary.loaded, summary.quarantined) == (1, len(OTHERS))
    assert ask(settings, "select reason, count(*) from core.quarantine group by reason") == [
        ("other_format", len(OTHERS))
    ]


@pytest.mark.parametrize("name", NOT_THOSE)
def test_damaged_json_is_none_of_them(name: str) -> None:
    assert not is_other_format(NOT_THOSE[name])
