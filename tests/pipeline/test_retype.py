"""A type that changes in the catalog stops loads with the command to run; that command mends it."""

from pathlib import Path

import pytest

from etl.errors import PermanentError
from etl.pipeline.load import load_paths, open_loader
from etl.pipeline.reload import rebuild_tables
from etl.settings import Settings
from etl.warehouse.connection import open_warehouse
from etl.warehouse.rebuild import rebuild_message
from models.catalog import read_catalog
from models.tables.plan import plan_tables
from tests.faults.odd_file import adt, dump

HEADER = (
    "data_model,path,json_type,item_type,number_kind,temporal,value_set,value_set_confidence,"
    "sensitivity,sql_name,event_types,volatile,source,note\n"
)
LINE = "PatientAdmin,Visit.Reason,string,,,datetime,,,date,,*,,site,\n"


def test_a_changed_type_is_rebuilt_on_command(settings: Settings, tmp_path: Path) -> None:
    messages = tmp_path / "messages.ndjson"
    lines = [dump(adt(1, Visit={"Reason": "2026-03-01T08:00:00.000Z"}))]
    lines += [dump(adt(2, Visit={"Reason": "a word"}))]
    messages.write_bytes(b"\n".join(lines))
    load_paths(settings, [str(messages)])
    settings.catalog_path.mkdir()
    (settings.catalog_path / "fields.csv").write_text(HEADER + LINE, "utf-8")
    messages.write_bytes(b"\n".join([*lines, dump(adt(3))]))
    with pytest.raises(PermanentError, match="reload --rebuild-tables"):
        load_paths(settings, [str(messages)])

    with open_loader(settings) as loader:
        rebuild_tables(loader)
    assert load_paths(settings, [str(messages)]).loaded == 1
    plan = plan_tables(read_catalog(settings.catalog_path))
    with open_warehouse(settings.warehouse_path, read_only=True) as connection:
        query = (
            "select typeof(visit_reason), visit_reason is null from patient_admin.message "
            "order by message_id"
        )
        rows = connection.execute(query).fetchall()
        rebuilt = rebuild_message(connection, plan, 1)
    assert rows[:2] == [("TIMESTAMP WITH TIME ZONE", False), ("TIMESTAMP WITH TIME ZONE", True)]
    assert "a word" in rebuilt
