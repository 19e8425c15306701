"""Synthetic messages as one file's bytes, written once per process for equal dials.

Planning the messages of a large data model takes longer than loading a few of them.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from etl.synth import Dials, write_synthetic
from tests.packaged import packaged_catalog

_written: dict[str, bytes] = {}


def synthetic_messages(dials: Dials) -> bytes:
    """The file that these dials give."""
    key = repr(dials)  # dials hold a dictionary, so they have no hash
    if key not in _written:
        with tempfile.TemporaryDirectory() as folder:
            written = write_synthetic(Path(folder) / "out", catalog=packaged_catalog(), dials=dials)
            (file,) = written.files
            _written[key] = file.read_bytes()
    return _written[key]
