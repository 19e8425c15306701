"""What the kernel says of items does not depend on whether their rows are made."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from etl.kernel.run import Status, identify
from etl.pipeline.load import open_loader
from etl.pipeline.records import Piece
from etl.pipeline.units import cut_into_units
from etl.settings import read_settings
from etl.synth import Dials, write_synthetic
from etl.synth.dials import FAULTS, Shares
from models.catalog import read_catalog

MODELS = ("PatientAdmin", "Results")


def test_identify_says_what_run_says(tmp_path: Path) -> None:
    dials = Dials(messages=120, data_models=MODELS, shares=Shares(**dict.fromkeys(FAULTS, 0.1)))
    written = write_synthetic(tmp_path / "in", catalog=read_catalog(), dials=dials)
    with (
        open_loader(read_settings(tmp_path / "home")) as loader,
        written.files[0].open("rb") as file,
    ):
        landed = loader.landing.land(file, uri="messages")
        unit = next(cut_into_units(loader.landing, [Piece(landed, "", 0, landed.item_count)]))
        whole = loader.reading.read_unit(unit)
        alone = identify(loader.reading.items(unit), loader.compiled)
    assert {Status(one) for one in whole.status.tolist()} == set(Status)
    for name in ("status", "hashes", "shape", "received_at_us"):
        assert np.array_equal(getattr(whole, name), getattr(alone, name)), name
    assert (whole.shapes, whole.reasons, whole.about) == (alone.shapes, alone.reasons, alone.about)
    assert not alone.batches
    assert not alone.side.rows
