"""On Redox's own sample payloads: exactly the odd values that their report lists, and nothing else.

Needs the samples beside the checkout, in ../shared/redox, and is skipped without them. What is
expected is worked out from the files there, without the catalog or the loader.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from etl.cli.opening import open_loader
from etl.pipeline.load import load_paths
from etl.queries.messages import received_bytes
from etl.settings import Settings, read_settings
from tests.pipeline.small_messages import ask
from tests.reference.json_text import Value, parse
from tests.reference.leaves import Leaf, path_text, populated_leaves

REDOX = Path(__file__).parents[3] / "shared" / "redox"
SAMPLES = sorted((REDOX / "samples").glob("*.json"))
Place = tuple[str, str, str, tuple[int, ...]]
pytestmark = pytest.mark.skipif(not SAMPLES, reason="no sample payloads beside the checkout")

# The forms that the report calls out; all others it lists are canonical, a bare date, or whole
# seconds.
ODD_TIMES = {
    "time_blank_for_t": re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"),
    "time_colon_before_ms": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d:\d{3}Z"),
    "time_unpadded": re.compile(r"\d{4}-(?:\d-\d\d?|\d\d-\d)"),
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home into which the samples were loaded."""
    settings = read_settings(tmp_path_factory.mktemp("samples") / "home")
    load_paths(settings, [str(path) for path in SAMPLES])
    return settings


@pytest.fixture(scope="module")
def payloads() -> dict[str, Value]:
    return {path.name: parse(path.read_bytes()) for path in SAMPLES}


def _table(name: str) -> list[dict[str, str]]:
    with (REDOX / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def _closed_sets() -> dict[str, set[str]]:
    values = defaultdict(set)
    for line in _table("value_sets.csv"):
        if line["kind"] != "external":
            values[line["value_set"]].add(line["value"])
    closed = {line["value_set"] for line in _table("value_sets.csv") if line["kind"] == "closed"}
    return {name: own for name, own in values.items() if name in closed}


def _outside(payload: Value, leaf: Leaf) -> bool:
    name = str(payload.get("Meta", "DataModel")).replace(" ", "")  # type: ignore[union-attr]
    values = _closed_sets().get(_fields().get((name, path_text(leaf.path)), ""))
    return values is not None and leaf.value not in values


@cache
def _fields() -> dict[tuple[str, str], str]:
    lines = _table("value_set_fields.csv")
    certain = [line for line in lines if line["confidence"] != "by_analogy"]
    return {(line["data_model"], line["path"]): line["value_set"] for line in certain}


def _expected(payloads: dict[str, Value]) -> Iterator[Place]:
    for name, payload in payloads.items():
        for leaf in populated_leaves(payload):
            place = (path_text(leaf.path), leaf.ordinals)
            if _outside(payload, leaf):
                yield name, "value_not_supported", *place
            for rule, form in ODD_TIMES.items():
                if form.fullmatch(str(leaf.value)):
                    yield name, rule, *place


def test_warnings_are_the_odd_values_of_the_samples(
    settings: Settings, payloads: dict[str, Value]
) -> None:
    found = ask(
        settings,
        "select parse_filename(uri), regexp_replace(rule, '_new$', ''), path, ordinals "
        "from quality.finding join core.message using (message_id) "
        "join core.landed_object using (object_id)",
    )
    wanted = Counter(_expected(payloads))
    assert Counter((*row[:3], tuple(row[3])) for row in found) == wanted
    assert {rule for _, rule, *_ in wanted} >= {"value_not_supported", "time_blank_for_t"}
    assert ask(settings, "select * from core.quarantine") == []
    assert ask(settings, "select count(*) from core.message") == [(len(SAMPLES),)]


def test_bare_dates_on_date_time_fields_are_those_the_report_lists(settings: Settings) -> None:
    report = (REDOX / "samples_report.md").read_text("utf-8")
    names = {path.name for path in SAMPLES}
    wanted = {
        (name, path): int(count)
        for name, path, count in re.findall(r"^- (\S+\.json) `(\S+DateTime)` x(\d+)$", report, re.M)
        if name in names
    }
    found = ask(
        settings,
        "select parse_filename(uri), path, count(*) from core.received_form "
        "join core.message using (message_id) join core.landed_object using (object_id) "
        "where rule = 'time_date_only' and suffix(path, 'DateTime') group by all",
    )
    assert {(name, path): count for name, path, count in found} == wanted


def test_every_finding_leads_to_its_payload(settings: Settings) -> None:
    found = ask(
        settings,
        "select distinct message_id, parse_filename(uri) from quality.finding "
        "join core.message using (message_id) join core.landed_object using (object_id)",
    )
    received = {path.name: path.read_bytes().strip() for path in SAMPLES}
    with open_loader(settings) as loader:
        for message_id, name in found:
            assert received_bytes(loader, message_id) == received[name]


def test_nothing_in_the_samples_is_drift(settings: Settings) -> None:
    assert ask(settings, "select distinct reason from core.unplaced_value") == []
