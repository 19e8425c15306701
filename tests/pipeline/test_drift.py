"""The way of a new field: it comes, drift shows it, a line lists it, reload gives it a column."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from etl.cli.drift import drift as command
from etl.cli.opening import open_loader
from etl.errors import UsageFault
from etl.pipeline.load import load_paths
from etl.pipeline.quarantine import replay
from etl.queries.drift import DriftLine, list_drift, write_drift
from etl.queries.reading import open_newest
from etl.report.names import SHOWN_EVENT_TYPE, SHOWN_SOURCE
from etl.report.views import read_views
from etl.settings import Settings, read_settings
from etl.synth import Dials
from etl.synth.dials import Shares
from etl.warehouse.rebuild import rebuild_message
from models.catalog import read_catalog
from models.catalog.records import NumberKind
from models.tables.plan import plan_tables
from tests.packaged import packaged_catalog
from tests.pipeline.loaded_world import World
from tests.pipeline.small_messages import (
    Message,
    ask,
    load,
    make_message,
    make_patient,
    opened,
    reload_all,
)

FEW = ("PatientAdmin", "Results", "Scheduling", "Inventory")
PETS = [{"Name": "Rex", "Born": "2020-01-05", "Order": 1, "Tags": ["x", "y"]}]
PORTAL = {"Enrolled": True, "LastDateTime": "2026-01-05T10:20:30.000Z", "Visits": 3}


def drifting_messages() -> list[Message]:
    return [
        make_patient("1", {"ShoeSize": 41, "Pets": PETS, "Portal": PORTAL, "Mixed": {"A": 1}}),
        make_patient("2", {"ShoeSize": 42.5, "Mixed": "text", "Code": 7, "078-05-1120": "odd"}),
        make_patient("3", {"Code": "A7"}, event="Brand New", meta={"Extra": "e"}, source="b"),
        make_message("4", Patient={"Demographics": {"Language": {"X": "y"}}}, EventType="own"),
        make_message(
            "5",
            Patient={
                "Extensions": {"shoe": {"url": "u", "string": "v"}, "Doe, J": {"string": "v"}}
            },
            at="2026-03-05T00:00:00.000Z",
        ),
    ]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with drift, not written yet."""
    settings = read_settings(tmp_path_factory.mktemp("drift") / "home")
    load(settings, "drift", drifting_messages())
    return settings


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home whose drift was written and reloaded."""
    settings = read_settings(tmp_path_factory.mktemp("written") / "home")
    load(settings, "drift", drifting_messages())
    write_drift(settings)
    reload_all(settings)
    return settings


def drift_of(settings: Settings) -> dict[tuple[str, str, str], DriftLine]:
    with open_newest(settings) as (connection, _):
        lines = list_drift(connection, limit=10_000)
    return {(line.path, line.rule, line.json_type): line for line in lines}


def test_drift_tells_paths_types_days_and_sources(loaded: Settings) -> None:
    lines = drift_of(loaded)
    assert set(lines) == {
        ("EventType", "unlisted_key", "string"),
        ("Meta.EventType", "event_type_unlisted", "string"),
        ("Meta.Extra", "unlisted_key", "string"),
        ("Patient.Demographics.Code", "unlisted_key", "number"),
        ("Patient.Demographics.Code", "unlisted_key", "string"),
        ("Patient.Demographics.Language", "type_misfit", "object"),
        ("Patient.Demographics.Mixed", "unlisted_key", "object"),
        ("Patient.Demographics.Mixed", "unlisted_key", "string"),
        ("Patient.Demographics.Pets", "unlisted_key", "array"),
        ("Patient.Demographics.Portal", "unlisted_key", "object"),
        ("Patient.Demographics.ShoeSize", "unlisted_key", "number"),
        ('Patient.Demographics["*"]', "unlisted_key", "string"),
        ("Patient.Extensions.shoe", "extension", "string"),
        ('Patient.Extensions["*"]', "extension", "string"),
    }
    shoe = lines["Patient.Demographics.ShoeSize", "unlisted_key", "number"]
    assert (shoe.messages, shoe.occurrences, shoe.sources, shoe.source_ids) == (2, 2, 1, "source-a")
    assert (str(shoe.first_day), str(shoe.last_day)) == ("2026-03-02", "2026-03-02")
    assert (shoe.size_class, shoe.event_types) == ("up to 32 B", "Arrival")
    assert lines["Meta.EventType", "event_type_unlisted", "string"].event_types == "*"
    extension = lines["Patient.Extensions.shoe", "extension", "string"]
    assert str(extension.first_day) == "2026-03-05"


def test_a_number_of_any_length_gets_a_line(settings: Settings) -> None:
    path = settings.home.parent / "long.json"
    path.write_text(json.dumps(make_patient("1", {"Long": "@"})).replace('"@"', "7" * 5_000))
    load_paths(settings, [str(path)])
    (listed,) = write_drift(settings).fields
    assert (listed.path, listed.number_kind) == ("Patient.Demographics.Long", NumberKind.DOUBLE)


def test_logs_listed_without_their_id_can_be_loaded(settings: Settings) -> None:
    """SSO has no logs of its own; a sender's may hold something else."""
    odd = make_message("1", model="SSO", event="Sign-on", meta={"Logs": [{"Note": "n"}]})
    load(settings, "sso", [odd])
    paths = {field.path for field in write_drift(settings).fields}
    assert {"Meta.Logs[]", "Meta.Logs[].Note"} <= paths
    assert reload_all(settings) == 1
    assert ask(settings, "select log_id from core.message") == [(None,)]


def test_of_one_parent_a_thousand_paths_are_named(settings: Settings) -> None:
    keys = {f"Key{number}": 1 for number in range(1100)}
    load(settings, "many", [make_patient("1", keys), make_patient("2", {"Key1099": 1})])
    lines = drift_of(settings)
    assert len(lines) == 1001
    assert ("Patient.Demographics.Key1099", "unlisted_key", "number") in lines
    rest = lines["Patient.Demographics.*", "unlisted_key", "number"]
    assert (rest.messages, rest.occurrences) == (1, 100)
    new = write_drift(settings)
    assert new.fields == ()
    assert "more than 100 unlisted keys" in new.left_out[0]


def test_lines_are_written_with_types_and_names_that_need_no_quotes(written: Settings) -> None:
    text = (written.catalog_path / "fields.csv").read_text("utf-8")
    rows = {row["path"]: row for row in csv.DictReader(text.splitlines())}
    kinds = {
        path: "/".join(filter(None, (row["json_type"], row["item_type"], row["number_kind"],
                                     row["temporal"], row["sql_name"])))
        for path, row in rows.items()
    }  # fmt: skip
    demographics = "Patient.Demographics"
    assert kinds == {
        "EventType": "string/event_type_2",
        "Meta.Extra": "string",
        f"{demographics}.Code": "string",
        f"{demographics}.Mixed": "any",
        f"{demographics}.Pets[]": "array/object",
        f"{demographics}.Pets[].Born": "string/date",
        f"{demographics}.Pets[].Name": "string",
        f"{demographics}.Pets[].Order": "number/integer/order_value",
        f"{demographics}.Pets[].Tags[]": "array/string",
        f"{demographics}.Portal": "object",
        f"{demographics}.Portal.Enrolled": "boolean",
        f"{demographics}.Portal.LastDateTime": "string/datetime",
        f"{demographics}.Portal.Visits": "number/integer",
        f"{demographics}.ShoeSize": "number/double",
    }
    assert {row["data_model"] for row in rows.values()} == {"PatientAdmin"}
    assert rows[f"{demographics}.Pets[]"]["event_types"] == "Arrival"
    assert (written.catalog_path / "fields.csv").stat().st_mode & 0o077 == 0


def test_reload_moves_values_into_typed_columns(written: Settings) -> None:
    assert ask(
        written,
        "select patient_demographics_shoe_size, patient_demographics_portal_enrolled, "
        "patient_demographics_portal_visits, patient_demographics_code, patient_demographics_mixed, "
        "event_type_2 from patient_admin.message order by message_id limit 4",
    ) == [
        (41.0, True, 3, None, '{"A":1}', None),
        (42.5, None, None, "7", '"text"', None),
        (None, None, None, "A7", None, None),
        (None, None, None, None, None, "own"),
    ]
    pets = ask(
        written,
        "select name, cast(born as varchar), order_value from patient_admin.patient_demographics_pets",
    )
    assert pets == [("Rex", "2020-01-05", 1)]
    tags = ask(
        written,
        "select pets_ordinal, tags_ordinal, value from patient_admin.patient_demographics_pets_tags "
        "order by all",
    )
    assert tags == [(1, 1, "x"), (1, 2, "y")]
    assert ask(written, "select extra from core.message where extra is not null") == [("e",)]


def test_after_reload_only_what_cannot_be_listed_drifts(written: Settings) -> None:
    assert {key[:2] for key in drift_of(written)} == {
        ("Meta.EventType", "event_type_unlisted"),
        ("Patient.Demographics.Language", "type_misfit"),
        ('Patient.Demographics["*"]', "unlisted_key"),
        ("Patient.Extensions.shoe", "extension"),
        ('Patient.Extensions["*"]', "extension"),
        ("Patient.Demographics.Code", "type_converted"),
    }


def test_rebuild_gives_every_message_back_before_and_after(
    loaded: Settings, written: Settings
) -> None:
    for settings in (loaded, written):
        plan = plan_tables(read_catalog(settings.catalog_path))
        with opened(settings) as connection:
            ids = connection.execute("select message_id from core.message order by 1").fetchall()
            rebuilt = [json.loads(rebuild_message(connection, plan, row[0])) for row in ids]
        assert rebuilt == drifting_messages()


def test_counts_follow_into_the_new_columns(written: Settings) -> None:
    counted = ask(
        written,
        "select path, sum(messages), sum(elements) from quality.path_count "
        "where path like '%ShoeSize' or path like '%Pets[%' group by path order by path",
    )
    assert counted == [
        ("Patient.Demographics.Pets[]", 1, 1),
        ("Patient.Demographics.Pets[].Born", 1, 1),
        ("Patient.Demographics.Pets[].Name", 1, 1),
        ("Patient.Demographics.Pets[].Order", 1, 1),
        ("Patient.Demographics.Pets[].Tags[]", 1, 2),
        ("Patient.Demographics.ShoeSize", 2, 2),
    ]
    listed = ask(
        written, "select sum(findings) from quality.finding_count where rule = 'unlisted_key'"
    )
    assert listed == [(1,)]


def test_writing_again_changes_nothing(written: Settings) -> None:
    file = written.catalog_path / "fields.csv"
    before = file.read_bytes()
    assert write_drift(written).fields == ()
    assert file.read_bytes() == before


def test_writing_before_a_reload_again_changes_nothing(loaded: Settings, tmp_path: Path) -> None:
    overlay = loaded.catalog_path
    try:
        first = write_drift(loaded)
        text = (overlay / "fields.csv").read_bytes()
        second = write_drift(loaded)
        assert len(first.fields) == 14
        assert second.fields == ()
        assert (overlay / "fields.csv").read_bytes() == text
    finally:
        (overlay / "fields.csv").unlink()


def test_lines_by_hand_stay_as_they_are(loaded: Settings) -> None:
    file = loaded.catalog_path / "fields.csv"
    file.parent.mkdir(exist_ok=True)
    header = (Path(__file__).parents[2] / "models/catalog/data/fields.csv").open().readline()
    own = "PatientAdmin,Patient.Demographics.ShoeSize,string,,,,,,none,shoe,*,,site,by hand\n"
    file.write_text(header + own)
    try:
        new = write_drift(loaded)
        assert own in file.read_text()
        assert all(field.name != "ShoeSize" for field in new.fields)
    finally:
        file.unlink()


def invoke(settings: Settings, *arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, obj=settings)
    assert result.exception is None, result.exception
    return result.output


def test_command_prints_no_value_and_names_the_next_step(loaded: Settings) -> None:
    shown = invoke(loaded)
    for value in ("Rex", "2020-01-05", "078-05", "Doe", "Brand New", "text"):
        assert value not in shown
    assert "drift --write" in shown
    answer: dict[str, Any] = json.loads(invoke(loaded, "--json", "--rule", "type_misfit"))
    assert answer["as_of"] == "warehouse"
    assert [line["path"] for line in answer["drift"]] == ["Patient.Demographics.Language"]


def test_command_writes_only_the_data_models_named(loaded: Settings) -> None:
    try:
        written = json.loads(invoke(loaded, "--write", "--json", "--model", "Scheduling"))
        assert written["fields"] == []
        result = CliRunner().invoke(command, ["--write", "--rule", "type_misfit"], obj=loaded)
        assert "leave out --rule" in str(result.exception)
    finally:
        (loaded.catalog_path / "fields.csv").unlink(missing_ok=True)


def test_a_list_that_is_cut_says_so(loaded: Settings) -> None:
    assert "There are more; --limit 10 shows them." in invoke(loaded, "--limit", "1")


def test_command_writes_and_names_the_reload(loaded: Settings) -> None:
    try:
        shown = invoke(loaded, "--write")
        assert "14 fields are listed" in shown
        assert 'reload --model "PatientAdmin"' in shown
        assert "no one type fits Patient.Demographics.Mixed" in shown
        assert json.loads(invoke(loaded, "--write", "--json"))["fields"] == []
    finally:
        (loaded.catalog_path / "fields.csv").unlink(missing_ok=True)


@pytest.mark.parametrize("models", [FEW, pytest.param((), marks=pytest.mark.slow)])
def test_whatever_drifts_can_be_listed_and_comes_back(
    tmp_path: Path, settings: Settings, models: tuple[str, ...]
) -> None:
    shares = Shares(unlisted_keys=0.9, misfits=0.2, extensions=0.2, number_spelling=0.2)
    dials = Dials(messages=30 if models else 222, data_models=models, shares=shares)
    world = World(tmp_path, packaged_catalog(), settings, dials)
    world.load()

    new = write_drift(settings)
    reload_all(settings)

    assert len(new.fields) > (50 if models else 100)
    left = [path for path, rule, _ in drift_of(settings) if rule == "unlisted_key"]
    assert [path for path in left if '["*"]' not in path] == []
    world.catalog = read_catalog(settings.catalog_path)
    assert world.rebuild_faults() == []
    assert write_drift(settings).fields == ()


def test_sources_and_event_types_are_shown_as_everywhere(settings: Settings) -> None:
    view = next(view for view in read_views() if view.name == "quality.drift")
    assert f"'{SHOWN_SOURCE}'" in view.select and f"'{SHOWN_EVENT_TYPE}'" in view.select
    sources = ["7ce6f387-c33c-417d-8682-81e83628cbd9", "078-05-1120", "John Doe", ""]
    load(
        settings,
        "sources",
        [make_patient(f"s{n}", {"ShoeSize": n}, source=name) for n, name in enumerate(sources, 1)],
    )
    with open_newest(settings) as (connection, _):
        (line,) = list_drift(connection)
    assert line.sources >= 3
    assert line.source_ids == f"*, {sources[0]}"


def _site_model(settings: Settings) -> None:
    """A data model of the site: its name and its event type, no field."""
    settings.catalog_path.mkdir(parents=True, exist_ok=True)
    lines = {
        "data_models.csv": "data_model,schema,description\nDental,dental,Teeth\n",
        "event_types.csv": (
            "data_model,event_type,direction,reply,source\nDental,New,notification,,site\n"
        ),
    }
    for name, text in lines.items():
        (settings.catalog_path / name).write_text(text)


def test_a_data_model_of_the_site_needs_its_name_alone(settings: Settings) -> None:
    sent = make_message("1", model="Dental", event="New", Tooth={"Number": 11, "Roots": ["a"]})
    assert load(settings, "teeth", [sent, make_patient("2", {"ShoeSize": 1})]).quarantined == 1
    _site_model(settings)
    with open_loader(settings) as loader:
        assert replay(loader).loaded == 1
    assert ask(settings, "select data_model, event_type, log_id from core.message") == [
        ("PatientAdmin", "Arrival", "2"),
        ("Dental", "New", "1"),
    ]
    assert ("Tooth", "unlisted_key", "object") in drift_of(settings)

    write_drift(settings)
    reload_all(settings)

    assert ask(settings, "select tooth_number from dental.message") == [(11,)]
    with opened(settings) as connection:
        plan = plan_tables(read_catalog(settings.catalog_path))
        assert json.loads(rebuild_message(connection, plan, 1)) == sent


def test_a_data_model_no_longer_listed_is_left_alone(settings: Settings) -> None:
    _site_model(settings)
    load(settings, "teeth", [make_message("1", model="Dental", event="New", Tooth={"Number": 11})])
    for file in settings.catalog_path.iterdir():
        file.unlink()

    assert write_drift(settings).fields == ()


def test_reload_of_an_unknown_data_model_is_refused(settings: Settings) -> None:
    load(settings, "one", [make_patient("1", {"Sex": "Male"})])
    with pytest.raises(UsageFault, match="no data model Patients"):
        reload_all(settings, data_models=("Patients",))


def test_extension_that_is_known_by_name_says_what_it_means(tmp_path: Path) -> None:
    settings = read_settings(tmp_path / "home")
    zone = {"timezone": {"string": "America/Chicago"}, "own-thing": {"string": "x"}}
    load(settings, "a", [make_message("1", Visit={"VisitNumber": "1", "Extensions": zone})])
    shown = CliRunner().invoke(command, ["--json"], obj=settings)
    meanings = {line["path"]: line["meaning"] for line in json.loads(shown.stdout)["drift"]}
    assert meanings["Visit.Extensions.timezone"] == "a time zone"
    assert meanings["Visit.Extensions.own-thing"] == ""
