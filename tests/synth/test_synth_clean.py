"""Clean synthetic messages: every event type, only listed fields, the same bytes for a seed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from etl.errors import UsageFault
from etl.synth import Dials, write_synthetic
from etl.synth.dials import Replies, SourceDial
from models.catalog import Catalog
from tests.reference.json_text import Number, Object, Value, parse
from tests.reference.leaves import leaves, path_text
from tests.reference.payload_files import items
from tests.reference.population import count_paths

EVENTS = 111


@pytest.fixture(scope="module")
def clean_files(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ...]:
    """Five messages of every event type, as documented, and what the dials leave at 0 at 0."""
    dials = Dials(messages=5 * EVENTS, seed=7, null_elements=0.1, replies=Replies.DOCUMENTED)
    folder = tmp_path_factory.mktemp("synth") / "out"
    return write_synthetic(folder, catalog=catalog, dials=dials).files


def listed_paths(catalog: Catalog) -> dict[tuple[str, str], set[str]]:
    return {
        (event.data_model, event.event_type): {
            field.path
            for field in catalog.fields[event.data_model]
            if event.event_type in field.event_types
        }
        for model in catalog.data_models.values()
        for event in model.event_types
    }


def event_of(payload: Value) -> tuple[str, str]:
    assert isinstance(payload, Object)
    model, event = payload.get("Meta", "DataModel"), payload.get("Meta", "EventType")
    assert isinstance(model, str) and isinstance(event, str)
    return model, event


def test_every_event_type_is_written(catalog: Catalog, clean_files: tuple[Path, ...]) -> None:
    written = {event_of(item.payload) for item in items(clean_files)}
    assert written == set(listed_paths(catalog))
    assert len(written) == EVENTS


def test_clean_messages_hold_listed_fields_only(
    catalog: Catalog, clean_files: tuple[Path, ...]
) -> None:
    listed = listed_paths(catalog)
    for item in items(clean_files):
        unlisted = set(count_paths(item.payload)) - listed[event_of(item.payload)]
        assert not unlisted


def test_clean_values_have_their_listed_type_and_set(
    catalog: Catalog, clean_files: tuple[Path, ...]
) -> None:
    fields = {(f.data_model, f.path): f for fs in catalog.fields.values() for f in fs}
    json_types = {"string": str, "number": Number, "boolean": bool, "any": str, "array": str}
    for item in items(clean_files):
        model, _ = event_of(item.payload)
        for leaf in leaves(item.payload):
            if leaf.value in (None, ""):
                continue
            field = fields[model, path_text(leaf.path)]
            assert isinstance(leaf.value, json_types[field.json_type]), field.path
            value_set = catalog.value_sets.get(field.value_set)
            if value_set and value_set.kind == "closed":
                assert leaf.value in value_set.values, field.path


def test_numbers_are_spelled_as_javascript_does(clean_files: tuple[Path, ...]) -> None:
    for item in items(clean_files):
        for leaf in leaves(item.payload):
            if isinstance(leaf.value, Number):
                assert not leaf.value.text.endswith(".0")
                assert "e" not in leaf.value.text.lower()


def test_same_seed_gives_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from models.catalog import read_catalog\n"
        "from etl.synth import Dials, write_synthetic\n"
        "dials = Dials(messages=40, data_models=('Results', 'Claim'), nulls=0.5)\n"
        "write_synthetic(Path(sys.argv[1]), catalog=read_catalog(), dials=dials)\n"
    )
    outputs = []
    for hash_seed in ("1", "2"):
        folder = tmp_path / hash_seed
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.getcwd()}
        subprocess.run([sys.executable, "-c", script, str(folder)], env=environment, check=True)
        outputs.append(b"".join(path.read_bytes() for path in sorted(folder.iterdir())))
    assert outputs[0] == outputs[1]


def test_another_seed_gives_other_bytes(catalog: Catalog, tmp_path: Path) -> None:
    contents = []
    for seed in (1, 2):
        dials = Dials(messages=10, seed=seed, data_models=("Device",))
        written = write_synthetic(tmp_path / str(seed), catalog=catalog, dials=dials)
        contents.append(written.files[0].read_bytes())
    assert contents[0] != contents[1]


def test_log_ids_are_unique_and_patients_recur(catalog: Catalog, tmp_path: Path) -> None:
    dials = Dials(messages=300, data_models=("PatientAdmin",), patients=20)
    written = write_synthetic(tmp_path / "out", catalog=catalog, dials=dials)
    log_ids, patients = set(), set()
    for item in items(written.files):
        for leaf in leaves(item.payload):
            if path_text(leaf.path) == "Meta.Logs[].ID":
                log_ids.add(leaf.value)
            if path_text(leaf.path) == "Patient.Identifiers[].ID" and leaf.ordinals == (1,):
                patients.add(leaf.value)
    assert len(log_ids) == 300
    assert len(patients) <= 20


def test_sources_send_their_own_models_and_patients(catalog: Catalog, tmp_path: Path) -> None:
    sources = (
        SourceDial("A", source_id="source-a", data_models=("Results",), facilities=("F1",)),
        SourceDial("B", source_id="source-b", data_models=("Notes",)),
    )
    dials = Dials(messages=60, sources=sources)
    written = write_synthetic(tmp_path / "out", catalog=catalog, dials=dials)
    sent = {
        (item.payload.get("Meta", "Source", "ID"), event_of(item.payload)[0])
        for item in items(written.files)
        if isinstance(item.payload, Object)
    }
    assert sent == {("source-a", "Results"), ("source-b", "Notes")}


def test_a_message_is_one_line_of_strict_json(clean_files: tuple[Path, ...]) -> None:
    lines = clean_files[0].read_bytes().splitlines()
    assert len(lines) == 5 * EVENTS
    assert all(isinstance(parse(line), Object) for line in lines)


def test_a_source_sends_on_its_days_only(catalog: Catalog, tmp_path: Path) -> None:
    sources = (SourceDial("steady"), SourceDial("silent", last_day=2))
    dials = Dials(messages=80, days=4, data_models=("Device",), sources=sources)
    written = write_synthetic(tmp_path / "out", catalog=catalog, dials=dials)
    days: dict[Value, set[str]] = {}
    for item in items(written.files):
        assert isinstance(item.payload, Object)
        day = str(item.payload.get("Meta", "EventDateTime"))[:10]
        days.setdefault(item.payload.get("Meta", "Source", "Name"), set()).add(day)
    assert {name: len(sent) for name, sent in days.items()} == {"steady": 4, "silent": 2}


def test_days_on_which_nobody_sends_are_refused(catalog: Catalog, tmp_path: Path) -> None:
    dials = Dials(days=3, sources=(SourceDial("late", first_day=2),), data_models=("Device",))
    with pytest.raises(UsageFault, match="day 1"):
        write_synthetic(tmp_path / "out", catalog=catalog, dials=dials)
