"""Passes the stream on with its share of faults planted. Which fault is how lives beside this."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from etl.synth.dials import Dials, Format
from etl.synth.faults.bench import Bench
from etl.synth.faults.codes import plant_bad_code
from etl.synth.faults.dates import plant_bad_date
from etl.synth.faults.extras import (
    plant_bad_unicode,
    plant_duplicate_key,
    plant_extension,
    plant_unlisted_key,
)
from etl.synth.faults.malformed import BREAKS, JSON_BREAKS
from etl.synth.faults.misfits import plant_misfit
from etl.synth.faults.redelivery import Delivered
from etl.synth.faults.relabel import plant_reply_as_query, plant_unknown_event
from etl.synth.faults.sizes import plant_large_text, plant_long_array, plant_number_spelling
from etl.synth.message import Message, Outcome, Planted
from models.catalog.records import Catalog

MOST_PER_KIND = 3


def plant_faults(
    messages: Iterable[Message], *, catalog: Catalog, dials: Dials
) -> Iterator[Message]:
    """The messages in order, each drawn kind of fault planted at its share."""
    planter = _Planter(catalog, dials)
    yield from map(planter.pass_on, messages) if planter.is_needed else messages


class _Planter:
    def __init__(self, catalog: Catalog, dials: Dials) -> None:
        self._catalog = catalog
        self._shares = dials.shares
        self._rng = random.Random(f"{dials.seed}/faults")
        self._delivered = Delivered(self._rng)
        is_run = dials.output.format in (Format.ARRAY, Format.PRETTY)
        self._breaks = JSON_BREAKS if is_run else BREAKS
        self._kinds = [
            (share, plant)
            for name, plant in _planters(dials).items()
            if (share := getattr(self._shares, name)) > 0
        ]
        redelivers = self._shares.duplicates > 0 or self._shares.same_log_id > 0
        self._keeps = redelivers
        self.is_needed = bool(self._kinds) or redelivers or self._shares.malformed > 0

    def pass_on(self, message: Message) -> Message:
        """The message as it is, worked on, broken, or an earlier one in its place."""
        if self._draws(self._shares.duplicates):
            again = self._delivered.redeliver(message)
            if again is not None:
                return again
        if self._draws(self._shares.malformed):
            self._break(message)
            return message
        chosen = [plant for share, plant in self._kinds if self._draws(share)]
        if chosen:
            self._work(message, chosen)
        if self._draws(self._shares.same_log_id):
            self._delivered.share_log_id(message)
        if self._keeps:
            self._delivered.add(message)
        return message

    def _draws(self, share: float) -> bool:
        return share > 0 and self._rng.random() < share

    def _break(self, message: Message) -> None:
        kind = self._rng.choice(self._breaks)
        message.body = kind.apply(message.body, self._rng)
        message.outcome, message.reason = Outcome.QUARANTINED, kind.reason
        message.planted = (Planted(kind.reason, "", form=kind.form, is_held=False),)

    def _work(self, message: Message, chosen: list[Callable[[Bench], None]]) -> None:
        bench = Bench(message, catalog=self._catalog, rng=self._rng)
        for plant in chosen:
            plant(bench)
        bench.finish()


def _several(plant: Callable[[Bench], None]) -> Callable[[Bench], None]:
    """Plant one to three of a kind."""

    def plant_some(bench: Bench) -> None:
        for _ in range(bench.rng.randint(1, MOST_PER_KIND)):
            plant(bench)

    return plant_some


def _planters(dials: Dials) -> dict[str, Callable[[Bench], None]]:
    """How each share of the dials is planted; sizes come first, they copy what they find."""
    return {
        "long_arrays": partial(plant_long_array, length=dials.long_array),
        "large": partial(plant_large_text, size_bytes=dials.large_bytes),
        "replies_as_query": plant_reply_as_query,
        "unknown_events": plant_unknown_event,
        "misfits": _several(plant_misfit),
        "bad_dates": _several(plant_bad_date),
        "bad_codes": _several(plant_bad_code),
        "number_spelling": _several(plant_number_spelling),
        "bad_unicode": plant_bad_unicode,
        "duplicate_keys": plant_duplicate_key,
        "unlisted_keys": _several(plant_unlisted_key),
        "extensions": _several(plant_extension),
    }
