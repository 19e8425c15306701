"""The truth of a run equals what the slow reference counts in the written files."""

import csv
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etl.synth import Dials, write_synthetic
from etl.synth.dials import FAULTS, Format, Output, Override, Replies, Shares, SourceDial
from etl.synth.faults.relations import is_broken, pairs_in, relations_of
from models.catalog import Catalog
from tests.pipeline.loaded_world import replies_of
from tests.reference.duplicates import find_duplicates, log_id
from tests.reference.json_text import Value
from tests.reference.payload_files import items
from tests.reference.population import Count, Group, as_listed, recount

FEW = ("PatientAdmin", "PatientSearch", "Scheduling", "Financial", "Results")
"""Models enough for what does not depend on the model: all of them take a second to plan."""
ALL_FAULTS = Shares(**dict.fromkeys(FAULTS, 0.15), duplicates=0.1, same_log_id=0.05)


class Run:
    """A written run read back: its payloads by position and its truth."""

    def __init__(self, folder: Path, catalog: Catalog, dials: Dials) -> None:
        truth = folder / "truth"
        written = write_synthetic(folder / "out", catalog=catalog, dials=dials, truth=truth)
        self.items = list(items(written.files))
        lines = (truth / "messages.jsonl").read_text("utf-8").splitlines()
        self.lines: list[dict[str, Any]] = [json.loads(line) for line in lines]
        self.messages = {row[:-1]: int(row[-1]) for row in _rows(truth / "messages.csv")}
        self.populations = {
            (row[:6], row[6]): tuple(map(int, row[7:])) for row in _rows(truth / "populations.csv")
        }
        self.replies = replies_of(catalog)
        self.listed = {
            name: {field.path for field in fields} for name, fields in catalog.fields.items()
        }

    def loaded(self) -> list[Value]:
        """The payloads that a loader must load, in listed shapes."""
        return [
            as_listed(item.payload, self.listed[line["data_model"]])
            for item, line in zip(self.items, self.lines, strict=True)
            if line["outcome"] == "loaded"
        ]


def _rows(path: Path) -> list[tuple[str, ...]]:
    with path.open(encoding="utf-8", newline="") as text:
        return [tuple(row) for row in csv.reader(text)][1:]


def _name(group: Group) -> tuple[str, ...]:
    return (*group[:5], str(group.is_test).lower())


def assert_truth_is_recounted(run: Run) -> None:
    population = recount(run.loaded(), replies=run.replies)
    assert {_name(group): n for group, n in population.messages.items()} == run.messages
    listed = {
        (_name(group), path): count
        for (group, path), count in population.counts().items()
        if path in run.listed[group.data_model]
    }
    assert listed == {key: Count(*counts[:2]) for key, counts in run.populations.items()}


@pytest.mark.parametrize("messages", [111, pytest.param(333, marks=pytest.mark.slow)])
def test_clean_truth_is_what_the_reference_counts(
    catalog: Catalog, tmp_path: Path, messages: int
) -> None:
    sources = (SourceDial("A"), SourceDial("B", density=0.5, facilities=("X", "Y", "Z")))
    dials = Dials(
        messages=messages, seed=11, days=3, sources=sources, test_share=0.3, null_elements=0.1
    )
    assert_truth_is_recounted(Run(tmp_path, catalog, dials))


@pytest.mark.parametrize("messages", [111, pytest.param(666, marks=pytest.mark.slow)])
def test_faulty_truth_is_what_the_reference_counts(
    catalog: Catalog, tmp_path: Path, messages: int
) -> None:
    dials = Dials(messages=messages, seed=5, days=2, null_elements=0.1, shares=ALL_FAULTS)
    run = Run(tmp_path, catalog, dials)
    assert {line["outcome"] for line in run.lines} == {"loaded", "duplicate", "quarantined"}
    assert_truth_is_recounted(run)


def test_held_counts_never_exceed_sent_counts(catalog: Catalog, tmp_path: Path) -> None:
    shares = Shares(misfits=0.5, bad_dates=0.5)
    run = Run(tmp_path, catalog, Dials(messages=111, data_models=FEW, shares=shares))
    counts = run.populations.values()
    assert all(held_m <= m and held_e <= e for m, e, held_m, held_e in counts)
    assert any(held_e < e for _, e, _, held_e in counts)


def test_duplicates_of_the_truth_are_what_the_reference_finds(
    catalog: Catalog, tmp_path: Path
) -> None:
    shares = Shares(duplicates=0.3, same_log_id=0.1, number_spelling=0.2, extensions=0.2)
    override = Override("Meta.Logs[]", 0.7)
    dials = Dials(messages=333, data_models=FEW, shares=shares, overrides=(override,))
    run = Run(tmp_path, catalog, dials)
    found = list(find_duplicates(item.payload for item in run.items))
    assert found == [line["duplicate_of"] for line in run.lines]
    assert [log_id(item.payload) for item in run.items] == [line["log_id"] for line in run.lines]
    assert sum(place is not None for place in found) > 60


def test_dials_at_zero_plant_nothing(catalog: Catalog, tmp_path: Path) -> None:
    run = Run(tmp_path, catalog, Dials(messages=111, replies=Replies.DOCUMENTED))
    assert all(line["outcome"] == "loaded" and not line["planted"] for line in run.lines)


def test_replies_come_as_recorded_unless_asked_for_as_documented(
    catalog: Catalog, tmp_path: Path
) -> None:
    models = ("Scheduling", "PatientSearch", "Clinical Summary")
    dials = Dials(messages=90, data_models=models, density=2.0)
    recorded = Run(tmp_path / "recorded", catalog, dials)
    as_sent = [line["event_type"] for line in recorded.lines if line["planted"]]
    assert set(as_sent) > {"BookedResponse", "Response", "VisitQueryResponse"}
    for item, line in zip(recorded.items, recorded.lines, strict=True):
        meta = item.payload.get("Meta")  # type: ignore[union-attr]
        is_reply = [fault["rule"] for fault in line["planted"]] == ["reply_under_query_event"]
        assert is_reply == (meta.get("EventType") != line["event_type"])  # type: ignore[union-attr]
        assert is_reply == (meta.get("EventDateTime") is None)  # type: ignore[union-attr]
        assert is_reply == (line["day"] == "")
    documented = Run(tmp_path / "documented", catalog, replace(dials, replies=Replies.DOCUMENTED))
    assert not any(line["planted"] for line in documented.lines)
    assert {line["event_type"] for line in documented.lines} >= set(as_sent)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_kind_of_fault_is_planted_and_recorded(
    catalog: Catalog, tmp_path: Path, fault: str
) -> None:
    models = ("PatientSearch", "Financial", "Scheduling")
    dials = Dials(messages=60, data_models=models, shares=Shares(**{fault: 1.0}))
    run = Run(tmp_path, catalog, dials)
    marked = sum(bool(line["planted"]) for line in run.lines)
    assert marked > (9 if fault in ("replies_as_query", "number_spelling") else 36)
    rules = {planted["rule"] for line in run.lines for planted in line["planted"]} - {""}
    assert rules <= set(catalog.rules)


def test_every_rule_between_fields_is_planted_and_clean_messages_break_none(
    catalog: Catalog, tmp_path: Path
) -> None:
    models = ("PatientAdmin", "Results", "Financial")
    dials = Dials(messages=90, data_models=models, density=3.0, replies=Replies.DOCUMENTED)
    relations = {model: relations_of(catalog, model) for model in models}
    clean = write_synthetic(tmp_path / "clean", catalog=catalog, dials=dials).files[0]
    for payload in map(json.loads, clean.read_text("utf-8").splitlines()):
        pairs = pairs_in(payload, relations[payload["Meta"]["DataModel"]])
        assert [pair for pair in pairs if is_broken(pair, {})] == []
    run = Run(tmp_path, catalog, replace(dials, shares=Shares(contradictions=1.0)))
    planted = {fault["rule"] for line in run.lines for fault in line["planted"]}
    assert planted == {line.rule for line in catalog.plausibility}


def test_broken_lines_are_still_one_item_each(catalog: Catalog, tmp_path: Path) -> None:
    shares = Shares(malformed=0.5)
    run = Run(tmp_path, catalog, Dials(messages=200, data_models=FEW, shares=shares))
    assert len(run.items) == len(run.lines) == 200
    for item, line in zip(run.items, run.lines, strict=True):
        is_known = item.is_message and line["data_model"] in run.listed
        assert line["outcome"] == "loaded" or not is_known or line["reason"] in (
            "too_deep", "unknown_data_model",
        )  # fmt: skip


def test_overridden_rates_hold_and_vanish_on_their_day(catalog: Catalog, tmp_path: Path) -> None:
    path = "Patient.Demographics.Language"
    overrides = (Override(path, 0.9), Override(path, 0.0, source="B", first_day=3))
    dials = Dials(
        messages=1600, days=4, event_types=("Registration",), overrides=overrides,
        sources=(SourceDial("A"), SourceDial("B")),
    )  # fmt: skip
    run = Run(tmp_path, catalog, dials)
    filled: Counter[tuple[str, str]] = Counter()
    sent: Counter[tuple[str, str]] = Counter()
    names = {line["source_id"]: "" for line in run.lines}
    names = dict(zip(names, _source_names(run), strict=True))
    for group, count in run.messages.items():
        sent[names[group[1]], group[0]] += count
        filled[names[group[1]], group[0]] += run.populations.get((group, path), (0,))[0]
    for (source, day), messages in sent.items():
        rate = filled[source, day] / messages
        is_gone = source == "B" and day >= "2026-01-07"
        assert rate == 0 if is_gone else 0.8 < rate < 0.97


def test_an_override_changes_no_other_field(catalog: Catalog, tmp_path: Path) -> None:
    path = "Visit.Reason"
    runs = [
        Run(tmp_path / str(rate), catalog, Dials(event_types=("Arrival",), overrides=overrides))
        for rate, overrides in ((1, (Override(path, 0.5),)), (0, (Override(path, 0.0),)))
    ]
    some, none = ({key: n for key, n in run.populations.items() if key[1] != path} for run in runs)
    assert some == none
    assert len(runs[0].populations) > len(some)


def _source_names(run: Run) -> list[str]:
    names: dict[Any, Any] = {}
    for item in run.items:
        assert not isinstance(item.payload, (list, str, bool)) and item.payload is not None
        source = item.payload.get("Meta", "Source")  # type: ignore[union-attr]
        names.setdefault(source.get("ID"), source.get("Name"))  # type: ignore[union-attr]
    return list(names.values())


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 10**6),
    faults=st.sampled_from((0.0, 0.3, 1.0)),
    density=st.sampled_from((0.0, 0.3, 1.0, 3.0)),
    nulls=st.sampled_from((0.0, 1.0)),
    output_format=st.sampled_from(list(Format)),
    model=st.sampled_from(("PatientAdmin", "Results", "Claim", "SSO", "Media")),
)
def test_any_dials_give_a_truth_that_is_recounted(
    catalog: Catalog,
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    faults: float,
    density: float,
    nulls: float,
    output_format: Format,
    model: str,
) -> None:
    dials = Dials(
        messages=20, seed=seed, data_models=(model,), density=density, nulls=nulls,
        shares=Shares(**dict.fromkeys(set(FAULTS) - {"malformed", "bad_unicode"}, faults)),
        output=Output(format=output_format),
    )  # fmt: skip
    assert_truth_is_recounted(Run(tmp_path_factory.mktemp("run"), catalog, dials))


def test_a_source_may_have_faults_of_its_own(catalog: Catalog, tmp_path: Path) -> None:
    sources = (SourceDial("good"), SourceDial("bad", shares=Shares(unlisted_keys=1.0)))
    dials = Dials(60, data_models=("Notes",), sources=sources, replies=Replies.DOCUMENTED)
    run = Run(tmp_path, catalog, dials)
    with_faults = {line["source_id"] for line in run.lines if line["planted"]}
    without = {line["source_id"] for line in run.lines if not line["planted"]}
    assert len(with_faults) == len(without) == 1
    assert with_faults != without
