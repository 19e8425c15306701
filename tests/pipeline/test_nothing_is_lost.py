"""Every populated leaf of every loaded message comes back from the tables, strictly equal.

Proven over generated messages of all event types, clean and damaged in every way that `etl.synth`
knows, by a reference that shares no code with the loader.
"""

from pathlib import Path

import pytest

from etl.settings import Settings
from etl.synth import Dials
from etl.synth.dials import FAULTS, Shares, SourceDial
from models.catalog import Catalog
from tests.pipeline.loaded_world import World

EVERY_EVENT_TYPE = 111
"""So few messages hold each event type once."""
MANY = 333
slow = pytest.mark.slow
SOURCES = tuple(SourceDial(f"Synthetic EHR {n}") for n in range(3))
DAMAGED = Shares(**dict.fromkeys(FAULTS, 0.12), duplicates=0.1, same_log_id=0.05, long_arrays=0.02)


@pytest.mark.parametrize(
    ("messages", "seed"),
    [
        (EVERY_EVENT_TYPE, 1),
        pytest.param(MANY, 1, marks=slow),
        pytest.param(MANY, 2, marks=slow),
    ],
)
def test_clean_messages_of_all_event_types_come_back_equal(
    tmp_path: Path, catalog: Catalog, settings: Settings, messages: int, seed: int
) -> None:
    world = World(tmp_path, catalog, settings, Dials(messages=messages, seed=seed))
    summary = world.load()
    assert (summary.received, summary.loaded) == (messages, messages)
    assert world.rebuild_faults() == []
    assert world.population_faults() == []
    with world.warehouse() as connection:
        for table in ("core.unplaced_value", "core.received_form", "quality.finding"):
            count = connection.execute(f"select count(*) from {table}").fetchone()
            assert count == (0,), table
        events = connection.execute(
            "select count(distinct (data_model, coalesce(read_as, event_type))) from core.message"
        )
        assert events.fetchone() == (sum(len(m.event_types) for m in catalog.data_models.values()),)


@pytest.mark.parametrize(
    ("messages", "seed"),
    [
        (EVERY_EVENT_TYPE, 1),
        pytest.param(MANY, 1, marks=slow),
        pytest.param(MANY, 2, marks=slow),
        pytest.param(MANY, 3, marks=slow),
    ],
)
def test_damaged_messages_come_back_equal(
    tmp_path: Path, catalog: Catalog, settings: Settings, messages: int, seed: int
) -> None:
    dials = Dials(messages=messages, seed=seed, shares=DAMAGED, sources=SOURCES, days=3)
    world = World(tmp_path, catalog, settings, dials)
    summary = world.load()
    outcomes = world.outcomes()
    assert summary.received == messages
    assert summary.loaded == outcomes["loaded"]
    assert summary.duplicate == outcomes["duplicate"]
    assert summary.quarantined == outcomes["quarantined"]
    assert world.rebuild_faults() == []
    assert world.population_faults() == []
    with world.warehouse() as connection:
        reasons = connection.execute(
            "select item, reason from core.quarantine order by item"
        ).fetchall()
    assert len(reasons) == outcomes["quarantined"]
