"""`load`, `show` and `rebuild` as commands: what they print, leave out and return."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import pytest

from tests.pipeline.command import CommandLine
from tests.pipeline.small_messages import make_message, make_patient
from tests.reference.json_text import parse

FIELDS = (
    "data_model,path,json_type,item_type,number_kind,temporal,value_set,value_set_confidence,"
    "sensitivity,sql_name,event_types,volatile,source,note\n"
)
NO_MORE = ",,,,,,,,*,,site,\n"


def put(folder: Path, name: str, content: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    return path


def test_damaged_file_does_not_stop_the_others(command: CommandLine, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    whole = gzip.compress(json.dumps(make_message("1", Visit={"Reason": "r" * 999})).encode())
    put(folder, "Doe-Jane.json.gz", whole[:-9])
    put(folder, "b.json", json.dumps(make_message("2")).encode())

    told = command.run("load", str(folder), "--json")

    summary = json.loads(told.out)
    assert told.code == 1
    assert (summary["received"], summary["loaded"], len(summary["refused"])) == (2, 2, 1)
    assert (
        "is cut short; what could be read was loaded" in told.err
        and "redox-warehouse source ID" in told.err
    )
    assert "Doe" not in told.out + told.err

    put(folder, "Doe-Jane.json.gz", whole)
    mended = command.run("load", str(folder))
    assert mended.code == 0 and mended.out.startswith("received 0 = loaded 0 ")  # known by content


def test_messages_of_the_exact_way_are_counted(command: CommandLine, tmp_path: Path) -> None:
    """A key that comes twice does not fit the compiled reader, a plain message does."""
    plain = json.dumps(make_message("1")).encode()
    twice = json.dumps(make_message("2")).encode().replace(b'{"Meta"', b'{"Meta": null, "Meta"', 1)
    path = put(tmp_path, "two.ndjson", b"\n".join([plain, twice, twice]))
    summary = json.loads(command.run("load", str(path), "--json").out)
    assert (summary["loaded"], summary["duplicate"], summary["exact"]) == (2, 1, 1)


@pytest.mark.parametrize("content", [b"", b"\n \n", b"[]", b"\xef\xbb\xbf"])
def test_file_without_messages_is_loaded_once(
    command: CommandLine, tmp_path: Path, content: bytes
) -> None:
    path = str(put(tmp_path, "empty.json", content))
    first, again = command.run("load", path), command.run("load", path)
    assert (first.code, again.code) == (0, 0)
    assert "(1 object, 0 known" in first.out and "1 known" in again.out
    assert json.loads(command.run("status", "--json").out)["loads"] == 1


def test_a_lost_status_is_written_where_nothing_waits(command: CommandLine, tmp_path: Path) -> None:
    """As `doctor` advises it."""
    command.run("load", str(put(tmp_path, "a.json", json.dumps(make_message("1")).encode())))
    (command.home / "status.json").unlink()
    assert command.run("load").code == 0
    assert json.loads(command.run("status", "--json").out)["loads"] == 1


def test_key_given_too_late_is_told_and_can_be_corrected(
    command: CommandLine, tmp_path: Path
) -> None:
    rows = [{"body": make_message("1")}, {"body": json.dumps(make_message("2"))}, {"other": 1}]
    text = "\n".join(map(json.dumps, rows))
    path = str(put(tmp_path, "hooks.jsonl", text.encode()))

    assert command.run("load", path).code == 3
    late = command.run("load", "--unwrap", "body", path)
    assert "quarantine replay --unwrap body" in late.out

    replayed = command.run("quarantine", "replay", "--unwrap", "body")
    assert replayed.code == 3
    assert "loaded 2 + duplicate 0 + still quarantined 1" in replayed.out
    assert json.loads(command.run("show", "0").out) == rows[0]["body"]
    assert command.run("reload").code == 0

    command.run("quarantine", "replay", "--unwrap", "other")
    assert json.loads(command.run("show", "0").out) == rows[0]["body"]
    assert "--unwrap" not in command.run("load", "--unwrap", "body", path).out


def test_key_given_too_late_counts_the_objects_of_this_load(
    command: CommandLine, tmp_path: Path
) -> None:
    for name in ("unrelated.json", "another.json"):
        command.run("load", str(put(tmp_path, name, b"[{" + name.encode())))
    path = str(put(tmp_path, "hooks.jsonl", json.dumps({"body": make_message("1")}).encode()))
    command.run("load", path)

    late = command.run("load", "--unwrap", "body", path)

    assert "\n1 object in quarantine was loaded without this envelope key; " in late.out


def test_key_that_leads_nowhere_is_forgotten(command: CommandLine, tmp_path: Path) -> None:
    """A replay of everything must not spoil objects whose messages only wait for the catalog."""
    unknown = make_message("1", model="Astrology")
    command.run("load", str(put(tmp_path, "a.json", json.dumps(unknown).encode())))
    assert command.run("quarantine", "replay", "--unwrap", "body").code == 3

    overlay = command.home / "catalog"
    put(overlay, "data_models.csv", b"data_model,schema,description\nAstrology,astrology,Stars\n")
    put(overlay, "fields.csv", f"{FIELDS}Astrology,Meta,object{NO_MORE}".encode())

    assert command.run("quarantine", "replay").code == 0
    assert json.loads(command.run("show", "0").out) == unknown


def test_indented_payload_is_the_same_payload(command: CommandLine, tmp_path: Path) -> None:
    odd = {"Price": "@", "Mark": "\ud83d", "Empty": [], "Deep": [{"A": [1]}]}
    text = json.dumps(make_patient("1", odd)).replace('"@"', "1.2345678901234567890e400")
    command.run("load", str(put(tmp_path, "a.json", text.encode())))

    plain, indented = command.run("rebuild", "0"), command.run("rebuild", "0", "--pretty")

    assert parse(plain.out.encode()) == parse(indented.out.encode())
    assert "1.2345678901234567890e400" in indented.out
    assert len(indented.out.splitlines()) > 10


@pytest.mark.parametrize("name", ["show", "rebuild"])
@pytest.mark.parametrize("number", ["99", "x", "9" * 30])
def test_a_wrong_number_is_a_wrong_call(
    command: CommandLine, tmp_path: Path, name: str, number: str
) -> None:
    missing = command.run(name, "1")
    assert missing.code == 2 and "redox-warehouse load" in missing.err
    command.run("load", str(put(tmp_path, "a.json", json.dumps(make_message("1")).encode())))
    told = command.run(name, number)
    assert told.code == 2 and number in told.err


def test_reload_of_an_unknown_model_is_a_wrong_call(command: CommandLine, tmp_path: Path) -> None:
    command.run("load", str(put(tmp_path, "a.json", json.dumps(make_message("1")).encode())))
    told = command.run("reload", "--model", "Patientadmin")
    assert told.code == 2 and "PatientAdmin" in told.err


def test_without_paths_files_that_just_changed_are_named(command: CommandLine) -> None:
    incoming = command.home / "incoming"
    incoming.mkdir(parents=True)
    (incoming / "a.json").write_text(json.dumps(make_message("1")), "utf-8")
    told = command.run("load")
    assert "1 file changed in the last 10 seconds" in told.out
    assert json.loads(command.run("load", "--json").out)["unsettled"] == 1


def test_without_paths_what_waits_is_loaded(command: CommandLine) -> None:
    assert command.run("load").out.startswith("received 0 ")
    command.home.mkdir(exist_ok=True)
    waiting = put(command.home / "incoming", "a.json", json.dumps(make_message("1")).encode())
    os.utime(waiting, (1, 1))
    assert command.run("load").out.startswith("received 1 = loaded 1 ")
    assert command.run("load", "--unwrap", "body").code == 2
