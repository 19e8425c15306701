"""Canary values, messages that carry them in every bad way, and the search for them.

A canary stands for what identifies a patient: in values, in keys, in file names. Where it may be
found is in what holds patients' data on purpose: the warehouse, the landing, published data, and
the lists of sources that are state (seen.parquet, batches).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAME = "Canarius Wellington"
SSN = "078-05-1120"
MRN = "MRN4711CANARY"
PHONE = "+1 555 0142 7788"
CANARIES = (NAME, "Canarius", "Wellington", SSN, MRN, PHONE, "0142 7788")
HOLDS_DATA = ("warehouse.duckdb", "warehouse.duckdb.wal", "seen.parquet", "landing", "published",
              "batches", "incoming")  # fmt: skip
FILE_NAME = f"{NAME} {SSN} {MRN}"


def message(log_id: str = SSN, *, event: str = "Arrival", **parts: Any) -> dict[str, Any]:
    meta = {
        "DataModel": "PatientAdmin",
        "EventType": event,
        "EventDateTime": "2026-03-02T10:20:30.000Z",
        "Source": {"ID": "source-a", "Name": NAME},
        "Logs": [{"ID": log_id}],
    }
    return {"Meta": meta, **parts}


def sent_by(source: str) -> dict[str, Any]:
    """A message whose sender and facility are a canary, with something to find."""
    sent = message(f"{source} {MRN}", Patient={"Shoe": 41, "Demographics": {"Sex": "?"}})
    sent["Meta"] |= {"Source": {"ID": source, "Name": NAME}, "FacilityCode": source}
    return sent


def bad_messages() -> list[bytes]:
    """One loadable message for every way in which a value, key or label can be wrong."""
    parts: list[dict[str, Any]] = [
        {"Patient": {"Demographics": {"Sex": NAME, "Race": SSN, "MaritalStatus": PHONE}}},
        {"Patient": {"Demographics": {"DOB": f"{NAME} 1980"}}},
        {"Patient": {"Demographics": {"DOB": "1900-01-01", "FirstName": {"Given": NAME}}}},
        {"Patient": {"Demographics": {NAME: MRN, SSN: {PHONE: MRN}, "": NAME}}},
        {"Patient": {"Demographics": NAME, "Identifiers": {"ID": MRN}, "Notes": [NAME]}},
        {"Patient": [{"Demographics": {"FirstName": NAME}}]},
        {"Visit": [{"VisitNumber": MRN}, {"VisitNumber": SSN}]},
        {"Visit": {"VisitDateTime": f"2026-03-02 {SSN}", "Duration": MRN, "Balance": NAME}},
        {"Patient": {"Extensions": {NAME: {"url": SSN, "string": MRN}, "x": PHONE}}},
        {"Patient": {"Extensions": [MRN]}},
        {"Patient": {"Shoe": {"Size": NAME, SSN: MRN, "Pairs": [{"Of": PHONE, NAME: 1}]}}},
        {NAME: {"x": SSN}},
    ]
    messages = [message(f"{MRN}-{n}", **own) for n, own in enumerate(parts)]
    messages += [message("event", event=NAME), message("event", event=SSN, Patient={SSN: NAME})]
    messages += [sent_by(source) for source in (NAME, SSN, PHONE)]
    bodies = [json.dumps(one).encode() for one in messages]
    doubled = json.dumps(message("double", Patient={"Demographics": {"FirstName": NAME}}))
    bodies.append(doubled.replace('"FirstName"', f'"FirstName": "{MRN}", "FirstName"').encode())
    bodies.append(doubled.replace(NAME, f"{NAME}\\ud83d").encode())
    return bodies


def broken_items() -> list[bytes]:
    """Items that are not loadable messages, each with canaries inside."""
    held = f'"{NAME}":"{SSN}","X":"{MRN}"'
    meta = '"Meta":{"DataModel":"PatientAdmin","EventType":"Arrival"}'
    return [
        f"{{{held}}}".encode(),
        f'{{"Meta":{{"DataModel":"{NAME}","EventType":"{SSN}"}}}}'.encode(),
        f'"{NAME}"'.encode(),
        f'{{{meta},{held},"Y":NaN}}'.encode(),
        f'{{{meta},{held},"Y":{"[" * 200}"{MRN}"{"]" * 200}}}'.encode(),
        f'{{{meta},{held},"Y":"{PHONE * 2000}"}}'.encode(),
        f"{{{meta},{held},}}".encode(),
        f'{{{meta},{held},"Y":"'.encode() + b'\xff"}',
        f"{NAME},{SSN},{MRN}".encode(),
    ]


def write_inputs(folder: Path) -> dict[str, Path]:
    """Input files whose names are canaries too, by what they are."""
    folder = folder / NAME
    folder.mkdir(parents=True)
    inputs = {
        "mixed": folder / f"{FILE_NAME}.ndjson",
        "cut": folder / f"{MRN}.json",
        "damaged": folder / f"{FILE_NAME}.json.gz",
        "csv": folder / f"{FILE_NAME}.csv",
        "rows": folder / f"{SSN}.jsonl",
        "missing": folder / f"{FILE_NAME} missing.json",
        "empty": folder / f"{MRN} empty.json",
    }
    inputs["mixed"].write_bytes(b"\n".join([*bad_messages(), *broken_items(), b""]))
    inputs["cut"].write_bytes(bad_messages()[0][:-40])
    inputs["damaged"].write_bytes(gzip.compress(bad_messages()[1])[:-12])
    inputs["csv"].write_text(f"name,ssn\n{NAME},{SSN}\n")
    rows = [{"body": json.loads(bad_messages()[0])}, {"body": NAME}, {NAME: MRN}]
    inputs["rows"].write_text("".join(json.dumps(row) + "\n" for row in rows))
    inputs["empty"].write_text("")
    return inputs


def found_in_text(text: str) -> set[str]:
    return {canary for canary in CANARIES if canary in text}


def found_in_files(home: Path) -> Iterator[tuple[str, str]]:
    """Canaries in the names of files below a home, and in files that must hold no patient's data."""
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        yield from ((name, canary) for canary in CANARIES if canary in name)
        if path.is_file() and path.relative_to(home).parts[0] not in HOLDS_DATA:
            content = path.read_bytes()
            yield from ((name, canary) for canary in CANARIES if canary.encode() in content)
