"""The graph as a whole: it loads as the server loads it, and holds exactly these names."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.definitions_load_context import (
    DefinitionsLoadContext,
    DefinitionsLoadType,
)
from dagster._core.definitions.metadata.metadata_value import (
    CodeLocationReconstructionMetadataValue,
)
from dagster._core.definitions.repository_definition import RepositoryLoadData

from etl.doctor.dagster_home import bring_up_to_date
from etl.orchestration.assembly import HABITS, assemble, assemble_for_server
from etl.orchestration.habits import Habits
from etl.settings import read_settings

ROOT = Path(__file__).parents[2]
MODELS = [
    "claim", "clinical_decisions", "clinical_summary", "device", "enrichment", "financial",
    "flowsheet", "inventory", "media", "medications", "notes", "orders", "organization",
    "patient_admin", "patient_education", "patient_search", "provider", "referral", "research",
    "results", "scheduling", "sso", "surgical_scheduling", "vaccination",
]  # fmt: skip
OTHERS = {
    "pulled_replies", "incoming_segments", "watched_files", "landed_objects", "findings",
    "population", "published_version", "reliability_report", "senders",
}  # fmt: skip
MARTS = sorted(f"mart/{file.stem}" for file in (ROOT / "sql" / "mart").glob("*.sql"))
MODEL_CHECKS = ("errors_within_limit", "warnings_within_limit")


def test_asset_keys(all_definitions: dg.Definitions) -> None:
    keys = {
        key.to_user_string() for key in all_definitions.resolve_asset_graph().get_all_asset_keys()
    }

    assert len(MODELS) == 24
    assert keys == OTHERS | {f"redox/{model}" for model in MODELS} | set(MARTS)


def test_asset_checks(all_definitions: dg.Definitions) -> None:
    graph = all_definitions.resolve_asset_graph()
    found = {(key.asset_key.to_user_string(), key.name) for key in graph.asset_check_keys}
    blocking = {key.name for key in graph.asset_check_keys if graph.get(key).blocking}

    of_marts = {(asset, check) for asset, check in found if asset in MARTS}
    assert {asset for asset, check in of_marts if check == "key"} == set(MARTS)
    assert ("mart/encounter", "words_encounter_status") in of_marts
    assert ("mart/encounter", "refers_patient_id") in of_marts
    assert found - of_marts == {
        ("landed_objects", "ledger_adds_up"),
        ("landed_objects", "quarantine_share"),
        ("landed_objects", "sources_readable"),
        ("reliability_report", "ratings_kept"),
        *((f"redox/{model}", check) for model in MODELS for check in MODEL_CHECKS),
    }
    assert blocking == {"ledger_adds_up"}


def test_jobs_schedules_and_sensors(definitions: dg.Definitions) -> None:
    repository = definitions.get_repository_def()

    assert {job.name for job in repository.get_all_jobs() if not job.name.startswith("__")} == {
        "load",
        "load_and_publish",
        "backfill_folder",
        "publish",
        "reliability",
        "pull_replies",
        "replay_quarantine",
        "reload_slices",
        "retention",
    }
    assert {s.name: (s.job_name, s.cron_schedule) for s in repository.schedule_defs} == {
        "reliability_schedule": ("reliability", "0 6 * * 1"),
    }
    assert {s.name: s.default_status.value for s in repository.sensor_defs} == {
        "new_files": "RUNNING",
        "new_loads": "RUNNING",
        "alerts": "STOPPED",
    }
    assert {s.default_status.value for s in repository.schedule_defs} == {"RUNNING"}


def test_one_writer_at_a_time(definitions: dg.Definitions) -> None:
    pools = {
        node.name: node.definition.pool
        for job in definitions.get_repository_def().get_all_jobs()
        for node in job.graph.nodes
    }

    writers = ("load_messages", "published_version", "replay_items", "rebuild_slices")
    assert {pools[name] for name in writers} == {"warehouse"}
    assert pools["pulled_replies"] == "pull"


def test_the_story_of_the_graph(all_definitions: dg.Definitions) -> None:
    graph = all_definitions.resolve_asset_graph()

    def parents(name: str) -> set[str]:
        key = dg.AssetKey(name.split("/"))
        return {parent.to_user_string() for parent in graph.get(key).parent_keys}

    models = {f"redox/{model}" for model in MODELS}
    assert parents("incoming_segments") == {"pulled_replies", "senders"}
    assert parents("watched_files") == {"senders"}
    assert parents("landed_objects") == {"incoming_segments", "watched_files"}
    assert all(parents(model) == {"landed_objects"} for model in models)
    assert parents("findings") == parents("population") == models
    assert parents("published_version") == {"findings", "population"}
    assert parents("reliability_report") == {"published_version"}


def test_every_asset_says_what_it_is(all_definitions: dg.Definitions) -> None:
    graph = all_definitions.resolve_asset_graph()

    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.group_name in ("arrival", "data_models", "quality", "publishing", "marts"), key
        assert node.owners == ["team:data-engineering"], key
        assert node.kinds, key


def test_schedules_follow_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDOX_WAREHOUSE_ORCHESTRATION__LOAD_CRON", "5 * * * *")
    monkeypatch.setenv("REDOX_WAREHOUSE_ORCHESTRATION__REPORT_CRON", "")
    monkeypatch.setenv("REDOX_WAREHOUSE_ORCHESTRATION__PULL_CRON", "15 4 * * *")
    monkeypatch.setenv("REDOX_WAREHOUSE_ORCHESTRATION__PUBLISH_AFTER_LOAD", "false")

    repository = assemble(read_settings(tmp_path)).get_repository_def()

    crons = {s.name: s.cron_schedule for s in repository.schedule_defs}
    assert crons == {"load_schedule": "5 * * * *", "pull_schedule": "15 4 * * *"}
    assert repository.get_sensor_def("new_loads").default_status.value == "STOPPED"


def test_data_model_of_the_site_gets_its_asset(tmp_path: Path) -> None:
    overlay = tmp_path / "catalog"
    overlay.mkdir()
    (overlay / "data_models.csv").write_text(
        "data_model,schema,description\nPager,pager,Calls to staff\n"
    )
    (overlay / "event_types.csv").write_text(
        "data_model,event_type,direction,reply,source\nPager,New,notification,,site\n"
    )
    (overlay / "sources.csv").write_text("source,kind,title,address\nsite,client,This site,\n")
    columns = (ROOT / "models/catalog/data/fields.csv").read_text().splitlines()[0].split(",")
    with (overlay / "fields.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        for path, kind in (("Meta", "object"), ("Meta.DataModel", "string"), ("Call", "string")):
            line = {"data_model": "Pager", "path": path, "json_type": kind, "event_types": "*"}
            writer.writerow({**line, "source": "site"})

    graph = assemble(read_settings(tmp_path), Habits(("Pager",))).resolve_asset_graph()

    assert dg.AssetKey(["redox", "pager"]) in graph.get_all_asset_keys()


def test_graph_shows_the_data_models_that_the_home_has_seen(tmp_path: Path) -> None:
    settings = read_settings(tmp_path)
    empty = assemble(settings).resolve_asset_graph()
    models = [{"data_model": name} for name in ("PatientAdmin", "No longer listed")]
    settings.status_path.write_text(json.dumps({"models": models}))

    graph = assemble(settings).resolve_asset_graph()

    shown = {key for key in graph.get_all_asset_keys() if key.path[0] == "redox"}
    assert shown == {dg.AssetKey(["redox", "patient_admin"])}
    assert not any(key.path[0] == "redox" for key in empty.get_all_asset_keys())


def test_a_run_has_the_graph_of_its_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDOX_WAREHOUSE_HOME", str(tmp_path))
    planned = assemble_for_server()
    metadata = planned.metadata[HABITS]
    (tmp_path / "status.json").write_text(json.dumps({"models": [{"data_model": "Notes"}]}))
    data = RepositoryLoadData(
        cacheable_asset_data={},
        reconstruction_metadata={HABITS: CodeLocationReconstructionMetadataValue(metadata.data)},
    )
    context = DefinitionsLoadContext(DefinitionsLoadType.RECONSTRUCTION, data)

    with DefinitionsLoadContext.scoped(context):
        run = assemble_for_server()

    assert dg.AssetKey(["redox", "notes"]) not in run.resolve_asset_graph().get_all_asset_keys()


def test_columns_of_a_data_model_come_from_the_catalog(all_definitions: dg.Definitions) -> None:
    node = all_definitions.resolve_asset_graph().get(dg.AssetKey(["redox", "patient_admin"]))

    columns = {c.name: c for c in node.metadata["dagster/column_schema"].schema.columns}

    assert columns["message_id"].type == "BIGINT"
    assert columns["patient_demographics_dob"].type == "DATE"
    assert "Patient.Demographics.DOB" in (columns["patient_demographics_dob"].description or "")


def test_dg_accepts_the_definitions_without_a_warning(tmp_path: Path) -> None:
    bring_up_to_date(tmp_path / "dagster")
    environment = {
        **os.environ,
        "REDOX_WAREHOUSE_HOME": str(tmp_path),
        "DAGSTER_HOME": str(tmp_path / "dagster"),
    }
    command = [sys.executable, "-m", "dagster_dg_cli.cli", "check", "defs"]

    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "All definitions loaded successfully."
    assert done.stderr == ""


def test_importing_definitions_reads_nothing(tmp_path: Path) -> None:
    code = "import sys, etl.definitions; sys.exit('models.catalog.reader' not in sys.modules)"
    environment = {**os.environ, "REDOX_WAREHOUSE_HOME": str(tmp_path / "absent")}

    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, timeout=120)

    assert done.returncode == 0
    assert not (tmp_path / "absent").exists()
