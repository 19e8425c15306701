"""Which event types a run writes, and in what order."""

from __future__ import annotations

import random
from collections.abc import Iterator

from etl.errors import UsageFault
from etl.synth.dials import Dials
from etl.synth.plan import Plan
from models.catalog.records import Catalog, EventType

MOST_COPIES = 1_000


def chosen_events(catalog: Catalog, dials: Dials) -> tuple[EventType, ...]:
    """The event types that the dials name; raises UsageFault for names the catalog lacks."""
    unknown = sorted(set(dials.data_models) - set(catalog.data_models))
    if unknown:
        raise UsageFault(
            f"The catalog has no data model {', '.join(unknown)}; "
            f"choose from {', '.join(sorted(catalog.data_models))}."
        )
    sent = [set(source.data_models) for source in dials.sources]
    chosen = tuple(
        event
        for model in catalog.data_models.values()
        if not dials.data_models or model.name in dials.data_models
        if not all(sent) or any(model.name in names for names in sent)
        for event in model.event_types
        if not dials.event_types or event.event_type in dials.event_types
    )
    if not chosen:
        raise UsageFault("No event type is left to write; name fewer models, events or sources.")
    return chosen


def event_deck(plans: tuple[Plan, ...], dials: Dials, rng: random.Random) -> Iterator[int]:
    """Endless plan indexes: shuffled rounds in which each event type stands by its weight.

    Weights are keyed by `Model` or `Model.EventType`; what is not named weighs 1.
    """
    weights = [_weight(plan, dials) for plan in plans]
    if not any(weights):
        raise UsageFault("All event types weigh nothing; give one of them a weight above 0.")
    least = min(weight for weight in weights if weight > 0)
    deck = [
        index
        for index, weight in enumerate(weights)
        for _ in range(min(MOST_COPIES, round(weight / least)))
    ]
    while True:
        rng.shuffle(deck)
        yield from deck


def _weight(plan: Plan, dials: Dials) -> float:
    event = plan.event
    by_model = dials.weights.get(event.data_model, 1.0)
    return dials.weights.get(f"{event.data_model}.{event.event_type}", by_model)
