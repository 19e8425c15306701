"""The stream of clean messages: day after day, each a filled shape with its ids and times.

Which event types, and in what order, is drawn first. Deterministic by seed; memory does not grow
with the number of messages.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import orjson

from etl.errors import UsageFault
from etl.synth.clock import DAY_MS, Clock, time_text
from etl.synth.dials import Dials
from etl.synth.message import RECORDED_REPLY, Key, Message
from etl.synth.plan import Plan, Planner
from etl.synth.pools import Pools, uuid_text
from etl.synth.rates import Rates, active_overrides
from etl.synth.records import Records
from etl.synth.shapes import grow_shapes
from etl.synth.sources import Senders, Source, make_sources, senders_of_day
from etl.synth.template import Shape
from models.catalog.records import Catalog, EventType

FIRST_ID = 100_000
FEWEST_SHAPES = 8
DRAWS = 2**29  # keeps the sum with an offset in one digit of Python's integers
MOST_COPIES = 1_000


class Stream:
    """The messages of one run."""

    def __init__(self, catalog: Catalog, dials: Dials) -> None:
        self._dials = dials
        self._rng = random.Random(f"{dials.seed}/stream")
        self.clock = Clock(seed=dials.seed, first_day=dials.first_day)
        pools = Pools(catalog, seed=dials.seed, clock=self.clock)
        self._slots = pools.slots
        self.sources = make_sources(dials)
        self._patients = dials.patients * len(self.sources)
        self._spread = max(1, DRAWS // self._patients)
        records = Records(pools, patients=self._patients)
        planner = Planner(catalog, pools, records)
        self.plans = tuple(planner.plan(event) for event in chosen_events(catalog, dials))
        self._wardrobe = _Wardrobe(dials, self.plans, self.sources)
        self._senders: list[Senders] = []
        self._deck = event_deck(self.plans, dials, self._rng)
        self._position = 0

    def __iter__(self) -> Iterator[Message]:
        for day, count in enumerate(_per_day(self._dials), start=1):
            self.clock.set_day(self._dials.first_day + timedelta(day - 1))
            self._wardrobe.set_day(day)
            self._senders = senders_of_day(self.plans, self.sources, day=day, count=count)
            for place in range(count):
                yield self._message(int((place + self._rng.random()) * DAY_MS / count))

    def _message(self, ms: int) -> Message:
        rng = self._rng
        plan_index = next(index for index in self._deck if self._senders[index].sources)
        plan = self.plans[plan_index]
        source = self._senders[plan_index].choose(rng.random())
        shape = rng.choice(self._wardrobe.shapes(plan_index, source))
        facility = rng.choice(source.facilities)
        is_test = rng.random() < self._dials.test_share
        log_id = uuid_text(rng)
        event_at = time_text(self.clock.day, min(ms, DAY_MS - 1))
        self._set_slots(source, facility, is_test=is_test, log_id=log_id, event_at=event_at)
        patient = source.first_patient + rng.randrange(source.patients)
        body = shape.fill(self._patients * rng.randrange(self._spread) + patient)
        self._position += 1
        key = _key(plan, shape, source, facility, is_test=is_test, day=event_at[:10])
        return Message(
            position=self._position - 1,
            body=body,
            plan=plan,
            source=source,
            key=key,
            event_at=event_at,
            log_id=log_id if "Meta.Logs[].ID" in shape.counts else "",
            counts=shape.counts,
            planted=(RECORDED_REPLY,) if shape.is_recorded else (),
        )

    def _set_slots(
        self, source: Source, facility: str, *, is_test: bool, log_id: str, event_at: str
    ) -> None:
        slots, number = self._slots, FIRST_ID + self._position
        slots["log_id"][0] = b'"%b"' % log_id.encode()
        slots["attempt_id"][0] = b'"%b"' % uuid_text(self._rng).encode()
        slots["event_at"][0] = b'"%b"' % event_at.encode()
        slots["test"][0] = b"true" if is_test else b"false"
        slots["redox_message_id"][0] = b"%d" % number
        slots["transmission_id"][0] = b"%d" % (7 * number)
        slots["facility_code"][0] = orjson.dumps(facility)
        slots["source_id"][0] = orjson.dumps(source.source_id)
        slots["source_name"][0] = orjson.dumps(source.name)
        slots["destination_id"][0] = orjson.dumps(source.destination_id)
        slots["destination_name"][0] = orjson.dumps(source.destination_name)


def _key(
    plan: Plan, shape: Shape, source: Source, facility: str, *, is_test: bool, day: str
) -> Key:
    """What a loader can know of the message: "" and False where Meta does not say."""
    said = shape.counts
    return Key(
        day=day if "Meta.EventDateTime" in said else "",
        source_id=source.source_id if "Meta.Source.ID" in said else "",
        facility_code=facility if "Meta.FacilityCode" in said else "",
        data_model=plan.event.data_model,
        event_type=plan.event.event_type,
        is_test=is_test and "Meta.Test" in said,
    )


def _per_day(dials: Dials) -> list[int]:
    """Messages of each day: all days equal to within one."""
    edges = [dials.messages * day // dials.days for day in range(dials.days + 1)]
    return [after - before for before, after in pairwise(edges)]


class _Wardrobe:
    """The shapes of each event type and source on the current day, grown when first needed."""

    def __init__(self, dials: Dials, plans: tuple[Plan, ...], sources: tuple[Source, ...]) -> None:
        self._dials, self._plans = dials, plans
        expected = math.ceil(dials.messages / (len(plans) * len(sources)))
        self._count = min(dials.shapes, max(FEWEST_SHAPES, expected))
        self._day = 1
        first_days = {override.first_day for override in dials.overrides}
        self._edges = first_days | {override.last_day + 1 for override in dials.overrides}
        self._by_source: dict[tuple[int, str], list[Shape]] = {}
        self._grown: dict[object, list[Shape]] = {}
        self._grown_before: dict[object, list[Shape]] = {}

    def set_day(self, day: int) -> None:
        """Where overrides begin or end, forget the shapes that nobody wore since the last time."""
        self._day = day
        if day in self._edges:
            self._by_source.clear()
            self._grown, self._grown_before = {}, self._grown

    def shapes(self, plan_index: int, source: Source) -> list[Shape]:
        key = (plan_index, source.source_id)
        if key not in self._by_source:
            self._by_source[key] = self._find(plan_index, source)
        return self._by_source[key]

    def _find(self, plan_index: int, source: Source) -> list[Shape]:
        """Sources with the same rates share their shapes."""
        plan, dials = self._plans[plan_index], self._dials
        active = active_overrides(dials.overrides, source=source.dial, plan=plan, day=self._day)
        density = dials.density * source.dial.density
        key = (plan_index, active, density)
        if key not in self._grown:
            known = self._grown_before.get(key)
            rates = Rates(plan, overrides=active, density=density)
            self._grown[key] = known or grow_shapes(plan, rates, dials=dials, count=self._count)
        return self._grown[key]


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
        raise UsageFault("All event types have weight 0; give one of them a higher weight.")
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
