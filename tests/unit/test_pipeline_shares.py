"""Work divided among processes: every message in one share, shares of like size, models whole."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from etl.pipeline.shares import divide
from etl.pipeline.work import NOT_LOADED, Judged, Numbered, Unit

MODELS = tuple((name, 0) for name in ("Claim", "Flowsheet", "Order", "PatientAdmin", "Results"))


def make_unit(models: list[int], length: list[int], first_id: int) -> Numbered:
    """A judged unit whose items are of these data models, every tenth of them left out."""
    count = len(models)
    zeros = np.zeros(count, dtype=np.int64)
    lengths = np.asarray(length, dtype=np.int64)
    unit = Unit("object", "", 0, 0, zeros, lengths, zeros.astype(np.int8), zeros)
    shape = np.asarray(models, dtype=np.int16)
    judged = Judged(zeros.astype(np.int8), shape, MODELS, bytes(16 * count), {}, zeros)
    ids = np.arange(first_id, first_id + count, dtype=np.int64)
    return Numbered(unit, judged, np.where(ids % 10 == 9, NOT_LOADED, ids))


def make_work(models: list[list[int]], size_bytes: int = 100) -> list[Numbered]:
    starts = np.cumsum([0, *map(len, models)]).tolist()
    return [
        make_unit(own, [size_bytes] * len(own), start)
        for own, start in zip(models, starts, strict=False)
    ]


def ids_of(share: list[Numbered]) -> list[int]:
    return [i for one in share for i in one.message_id.tolist() if i != NOT_LOADED]


def models_of(share: list[Numbered]) -> set[int]:
    return {
        int(model)
        for one in share
        for model, i in zip(one.judged.shape, one.message_id, strict=True)
        if i != NOT_LOADED
    }


@given(
    st.lists(st.lists(st.integers(0, len(MODELS) - 1), max_size=30), max_size=8),
    st.integers(1, 4),
)
def test_every_message_is_in_one_share(models: list[list[int]], count: int) -> None:
    work = make_work(models)
    shares = divide(work, count)
    assert len(shares) <= count
    assert Counter(i for share in shares for i in ids_of(share)) == Counter(ids_of(work))


def test_a_data_model_that_fits_goes_into_one_share() -> None:
    mixed = [list(range(len(MODELS))) * 8] * 6
    first, second = divide(make_work(mixed), 2)
    assert not models_of(first) & models_of(second)
    assert abs(len(ids_of(first)) - len(ids_of(second))) <= len(ids_of(first)) / 2


def test_a_data_model_that_is_most_of_the_work_is_cut() -> None:
    mostly = [[3] * 50 + [0]] * 10
    sizes = [len(ids_of(share)) for share in divide(make_work(mostly), 2)]
    assert len(sizes) == 2
    assert min(sizes) >= 0.4 * sum(sizes)


def test_cut_shares_keep_the_order_of_units() -> None:
    for share in divide(make_work([[3] * 20] * 8), 2):
        assert ids_of(share) == sorted(ids_of(share))
