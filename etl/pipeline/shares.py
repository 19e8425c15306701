"""Divides the work of a load among worker processes.

A data model goes into one share where it can, so that each table is staged and inserted once; a
data model that is more than one share by itself is cut into runs of units.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from etl.pipeline.work import NOT_LOADED, Integers, Numbered

Portion = tuple[str, int]
"""A data model, or the numbered run of units of one that is too large for a share."""


def divide(work: Sequence[Numbered], count: int) -> list[list[Numbered]]:
    """The work in at most `count` shares of about equal bytes; empty ones are left out.

    A unit that is in several shares has, in each, message ids only for the items of that share.
    """
    if count < 2:
        return [list(work)] if work else []
    sizes = [_model_bytes(one) for one in work]
    portions = _portions(sizes, count)
    total: Counter[Portion] = Counter()
    for own, size in zip(portions, sizes, strict=True):
        total.update({portion: size[portion[0]] for portion in own})
    place = _places(total, count)
    shares: list[list[Numbered]] = [[] for _ in range(count)]
    for one, own in zip(work, portions, strict=True):
        for number, share in enumerate(shares):
            models = {model for model, run in own if place[model, run] == number}
            if models:
                share.append(_only(one, models))
    return [share for share in shares if share]


def _model_bytes(one: Numbered) -> Counter[str]:
    """Bytes to flatten per data model."""
    loaded = one.message_id != NOT_LOADED
    sizes: Counter[str] = Counter()
    for index, (model, _) in enumerate(one.judged.shapes):
        chosen = loaded & (one.judged.shape == index)
        if chosen.any():
            sizes[model] += int(one.unit.length[chosen].sum())
    return sizes


def _portions(sizes: Sequence[Counter[str]], count: int) -> list[list[Portion]]:
    """For each unit the portions it has a part in."""
    total = sum(sizes, Counter())
    fair = sum(total.values()) / count
    done: Counter[str] = Counter()
    portions = []
    for own in sizes:
        named = []
        for model, size in own.items():
            middle = done[model] + size // 2
            is_whole = total[model] <= fair
            named.append((model, 0 if is_whole else middle * count // max(total[model], 1)))
        done.update(own)
        portions.append(named)
    return portions


def _places(total: Counter[Portion], count: int) -> dict[Portion, int]:
    """The share of each portion: the largest first, into the share that has least."""
    filled = [0] * count
    place = {}
    for portion, size in total.most_common():
        place[portion] = filled.index(min(filled))
        filled[place[portion]] += size
    return place


def _only(one: Numbered, models: set[str]) -> Numbered:
    """The unit with message ids for these data models alone."""
    own = [index for index, (model, _) in enumerate(one.judged.shapes) if model in models]
    chosen = np.isin(one.judged.shape, own)
    ids: Integers = np.where(chosen, one.message_id, NOT_LOADED)
    return replace(one, message_id=ids)
