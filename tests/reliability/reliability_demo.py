"""A believable warehouse: the real catalog, three sources and thirty days, with planted trouble.

For looking at the report and for measuring it; the figures are invented, the names are not.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import duckdb
from reliability_world import Feed, connect_world, expect, send

from models.catalog import Catalog
from models.compile.dictionary import dictionary_tables
from models.tables.plan import plan_tables
from tests.packaged import packaged_catalog

SOURCES = {
    "7ce6f387-c33c-417d-8682-81e83628cbd9": "Northfield Clinic",
    "4d1f8a20-93b6-4f6e-8a55-5a7c0d1b9e11": "Lakeside Hospital",
    "b60c2a1e-6f0d-4c62-9d3b-0f7f8f1f2a33": "Westbrook Health",
}
NORTHFIELD, LAKESIDE, WESTBROOK = SOURCES
FEEDS = {
    ("PatientAdmin", "Arrival"): 140,
    ("PatientAdmin", "Discharge"): 120,
    ("PatientAdmin", "NewPatient"): 30,
    ("Results", "New"): 400,
    ("Scheduling", "New"): 90,
    ("Order", "New"): 160,
}
VANISHES = "Patient.Demographics.PhoneNumber.Mobile"
FALLS = "Visit.VisitNumber"
RARE_META = (["Errors[]"], ["Extensions"], ["CanceledEvent"], ["OriginalEvent"])
BROKEN = ("Meta.Source.Name", "Meta.Destinations[].Name", "Patient.Identifiers[].IDType")


def connect_demo(*, days: int = 30, is_test: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection whose counts a report can be made of."""
    catalog = packaged_catalog()
    connection = connect_world()
    for name, rows in dictionary_tables(catalog, plan_tables(catalog)).items():
        connection.register("incoming", rows)
        connection.execute(f"insert into {name} by name select * from incoming")
        connection.unregister("incoming")
    for source, organization in SOURCES.items():
        connection.execute(
            "insert into quality.organization values ($1, '', $2)", [source, organization]
        )
    expect(
        connection,
        FALLS,
        "Reliable",
        data_model="PatientAdmin",
        site=True,
        source="agreed with the sites",
    )
    send(connection, list(_feeds(catalog, days, is_test)), days=days, seed=5, dispersion=0.004)
    return connection


def _feeds(catalog: Catalog, days: int, is_test: bool) -> Sequence[Feed]:
    feeds = []
    for source in SOURCES:
        for (model, event), mean in FEEDS.items():
            if source == WESTBROOK and model == "Order":
                continue
            paths = [f.path for f in catalog.fields[model] if event in f.event_types]
            feeds.append(
                Feed(
                    source_id=source,
                    event_type=event,
                    messages=[_volume(mean, source, day, days, model) for day in range(days)],
                    rates=_rates(paths, source, days),
                    data_model=model,
                    is_test=is_test,
                    elements={path: 2 for path in paths if "[]" in path},
                )
            )
    return feeds


def _volume(mean: int, source: str, day: int, days: int, model: str) -> int:
    if source == LAKESIDE and model == "Scheduling" and day >= days - 8:
        return 0
    weekend = 0.35 if day % 7 in (0, 6) else 1.2
    return round(mean * weekend * random.Random(f"{source}{model}{day}").uniform(0.85, 1.15))


def _rates(paths: Sequence[str], source: str, days: int) -> dict[str, float | list[float]]:
    shares: dict[str, float] = {}
    for path in sorted(paths):
        parent = path.rpartition(".")[0]
        shares[path] = shares.get(parent, 1.0) * _own_share(path, source)
    rates: dict[str, float | list[float]] = {path: share for path, share in shares.items() if share}
    change = days // 2
    if source == LAKESIDE and VANISHES in paths:
        rates[VANISHES] = [0.83] * change + [0.0] * (days - change)
    if source == WESTBROOK and FALLS in paths:
        rates[FALLS] = [0.97] * (change + 5) + [0.12] * (days - change - 5)
    if source == WESTBROOK:
        rates.update({path: 0.61 for path in BROKEN if path in rates})
    return rates


def _own_share(path: str, source: str) -> float:
    if path == "Meta" or path.split(".")[1:2] in RARE_META:
        return 1.0 if path == "Meta" else 0.0
    general, local = random.Random(path), random.Random(path + source)
    if path.startswith("Meta."):
        return 0.3 if "FacilityCode" in path else 1.0
    if path.startswith("Patient.Identifiers"):
        return 1.0
    level = general.choices([0.0, 1.0, general.uniform(0.05, 0.98)], [0.3, 0.4, 0.3])[0]
    if 0 < level < 1:
        return min(1.0, max(0.0, level + local.uniform(-0.08, 0.08)))
    return level if local.random() < 0.93 else 1.0 - level
