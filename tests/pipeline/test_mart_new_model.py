"""A data model that only the site's catalog lists: its patients join the others, no SQL is written."""

from __future__ import annotations

import csv
from pathlib import Path

from models.catalog import read_catalog
from tests.pipeline.mart_world import MartWorld, patient

FIELDS = Path("models/catalog/data/fields.csv")
PATHS = ("Meta", "Patient.Identifiers", "Patient.Demographics")


def _lines_of(model: str, like: str) -> str:
    """Lines of fields.csv: Meta and the patient as another data model has them."""
    root = Path(__file__).parents[2]
    with (root / FIELDS).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    chosen = [
        {**row, "data_model": model, "event_types": "*", "source": "site", "sql_name": ""}
        for row in rows
        if row["data_model"] == like and (row["path"] == "Patient" or row["path"].startswith(PATHS))
    ]
    lines = [",".join(rows[0])]
    for row in chosen:
        lines.append(",".join(f'"{value}"' if "," in value else value for value in row.values()))
    return "\n".join(lines) + "\n"


def test_its_patients_join_the_bridge(tmp_path: Path) -> None:
    world = MartWorld(tmp_path)
    folder = world.settings.catalog_path
    folder.mkdir(parents=True)
    (folder / "data_models.csv").write_text(
        "data_model,schema,description\nReferralLoop,referral_loop,Answers to referrals\n"
    )
    (folder / "event_types.csv").write_text(
        "data_model,event_type,direction,reply,source,state,instead\n"
        "ReferralLoop,Closed,notification,,site,,\n"
    )
    (folder / "fields.csv").write_text(_lines_of("ReferralLoop", like="PatientAdmin"))
    assert "ReferralLoop" in read_catalog(folder).data_models
    world.send("NewPatient", Patient=patient("1", LastName="Lee"))
    world.send("Closed", model="ReferralLoop", Patient=patient("1", LastName="Roe"))
    world.send("Closed", model="ReferralLoop", Patient=patient("2", LastName="May"))
    world.load()
    bridge = "select sequence, path, patient_id from mart.message_patient order by sequence"
    assert world.rows(bridge) == [
        (1, "Patient", "source-a:1"),
        (2, "Patient", "source-a:1"),
        (3, "Patient", "source-a:2"),
    ]
    newest = "select last_name, messages from mart.patient order by patient_id"
    assert world.rows(newest) == [("Roe", 2), ("May", 1)]
