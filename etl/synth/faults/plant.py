"""Passes the stream on with its share of faults planted. Which fault is how lives beside this."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TypeAlias

from etl.synth.dials import Dials, Format, Shares
from etl.synth.faults.bench import Bench
from etl.synth.faults.codes import plant_bad_code
from etl.synth.faults.contradictions import plant_contradiction
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
from etl.synth.faults.relabel import (
    plant_reply_as_query,
    plant_unknown_event,
    recognize_again,
)
from etl.synth.faults.relations import Relation, relations_of
from etl.synth.faults.sizes import plant_large_text, plant_long_array, plant_number_spelling
from etl.synth.message import Message, Outcome, Planted
from models.catalog.records import Catalog

MOST_PER_KIND = 3
Plant: TypeAlias = Callable[[Bench], None]


def plant_faults(
    messages: Iterable[Message], *, catalog: Catalog, dials: Dials
) -> Iterator[Message]:
    """The messages in order, each drawn kind of fault planted at its share."""
    planter = _Planter(catalog, dials)
    yield from map(planter.pass_on, messages) if planter.is_needed else messages


class _Mix:
    """The shares of one source, and how each of those above 0 is planted."""

    def __init__(self, shares: Shares, planters: dict[str, Plant]) -> None:
        self.shares = shares
        drawn = ((getattr(shares, name), plant) for name, plant in planters.items())
        self.kinds = [(share, plant) for share, plant in drawn if share > 0]
        self.redelivers = shares.duplicates > 0 or shares.same_log_id > 0
        self.is_needed = bool(self.kinds) or self.redelivers or shares.malformed > 0


class _Planter:
    def __init__(self, catalog: Catalog, dials: Dials) -> None:
        self._catalog = catalog
        self._relations: dict[str, tuple[Relation, ...]] = {}
        self._rng = random.Random(f"{dials.seed}/faults")
        self._delivered = Delivered(self._rng)
        is_run = dials.output.format in (Format.ARRAY, Format.PRETTY)
        self._breaks = JSON_BREAKS if is_run else BREAKS
        planters = _planters(dials)
        self._mixes = {
            source.name: _Mix(source.shares or dials.shares, planters) for source in dials.sources
        }
        self.is_needed = any(mix.is_needed for mix in self._mixes.values())
        self._keeps = any(mix.redelivers for mix in self._mixes.values())

    def pass_on(self, message: Message) -> Message:
        """The message as it is, worked on, broken, or an earlier one in its place."""
        mix = self._mixes[message.source.name]
        if self._draws(mix.shares.duplicates):
            again = self._delivered.redeliver(message)
            if again is not None:
                return again
        if self._draws(mix.shares.malformed):
            self._break(message)
            return message
        chosen = [plant for share, plant in mix.kinds if self._draws(share)]
        if chosen:
            self._work(message, chosen)
        if self._draws(mix.shares.same_log_id):
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

    def _work(self, message: Message, chosen: list[Plant]) -> None:
        relations = self._relations_of(message.plan.event.data_model)
        bench = Bench(message, catalog=self._catalog, relations=relations, rng=self._rng)
        recognize_again(bench)
        for plant in chosen:
            plant(bench)
        bench.finish()

    def _relations_of(self, data_model: str) -> tuple[Relation, ...]:
        if data_model not in self._relations:
            self._relations[data_model] = relations_of(self._catalog, data_model)
        return self._relations[data_model]


def _several(plant: Plant) -> Plant:
    """Plant one to three of a kind."""

    def plant_some(bench: Bench) -> None:
        for _ in range(bench.rng.randint(1, MOST_PER_KIND)):
            plant(bench)

    return plant_some


def _planters(dials: Dials) -> dict[str, Plant]:
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
        "contradictions": _several(plant_contradiction),
    }
