"""A home in which one patient is in every kind of place that a home has, and the search for them.

`make_home(folder, planted=False)` is the same home to which nothing of the patient ever came.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from etl.framing.segments import MAGIC, encode_record
from etl.landing.store import Landing
from etl.pipeline.load import load_paths
from etl.pipeline.publish import publish
from etl.pull.records import KeptReply
from etl.pull.spool import Spool
from etl.queries.export import export
from etl.settings import Settings, read_settings
from tests.pipeline.small_messages import Message, make_message

SOURCE = "source-a"
MRN, OLD_MRN = "MRN4711CANARY", "OLD4711CANARY"
NAME, SSN = "Canarius", "078-05-1120"
CANARIES = (MRN, OLD_MRN, NAME, SSN)
PATIENT = f"{SOURCE}:{MRN}"


def of(identifier: str, log_id: str, *, sex: str = "Male", **options: Any) -> Message:
    """A message about the patient with this identifier."""
    own = identifier in (MRN, OLD_MRN)
    demographics = {"FirstName": NAME if own else "Ann", "SSN": SSN if own else "", "Sex": sex}
    patient = {"Identifiers": [{"ID": identifier, "IDType": "MR"}], "Demographics": demographics}
    return make_message(log_id, Patient=patient | options.pop("more", {}), **options)


Load = Callable[..., Any]


def make_home(
    folder: Path, *, planted: bool = True, load: Load = load_paths, name: str = "home"
) -> Settings:
    """Load, publish and report a home; the last things it got still wait to be loaded."""
    settings = read_settings(folder / name)
    _load = partial(_load_by, load)
    own = [
        of(MRN, "good", sex="Odd"),
        of(OLD_MRN, "before the merge"),
        of(MRN, "misfit", more={"Notes": {"Text": [NAME]}, "Extensions": {"x": {"string": SSN}}}),
        make_message("query", event="PatientQuery", model="PatientSearch",
                     Patient={"Identifiers": [{"ID": MRN, "IDType": "MR"}]}),
        _merge(),
    ]  # fmt: skip
    others = [of("MRN1", "other 1", sex="Odd"), of("MRN2", "other 2"), of("MRN2", "shared log")]
    damaged = f'{{"Meta":{{"DataModel":"PatientAdmin"}},"ID":"{MRN}","Name":"{NAME}",}}'
    lines = [*own, others[0], own[0]] if planted else others[:1]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    _load(settings, folder, "first", text + (damaged + "\n" if planted else ""))
    publish(settings)
    envelope = [{"body": of(MRN, "enveloped")}] if planted else []
    rows = [*envelope, {"body": others[1]}]
    _load(settings, folder, "rows", "".join(json.dumps(row) + "\n" for row in rows), unwrap="body")
    if planted:
        _load(settings, folder, f"of {MRN}", json.dumps(of(MRN, "named file")))
        _load(settings, folder, "again", json.dumps(own[0]))
        torn = (
            MAGIC + encode_record(1, json.dumps(own[0]).encode()) + encode_record(2, b"x" * 99)[:50]
        )
        (folder / "torn.seg").write_bytes(torn[:-20] + f' "{MRN}" {NAME} '.encode())
        load(settings, [str(folder / "torn.seg")])
    _load(settings, folder, "last", json.dumps(others[2]))
    publish(settings)
    if planted:
        _make_copies(settings)
        _leave_waiting(settings)
    return settings


def _merge() -> Message:
    merged = {"Identifiers": [{"ID": MRN, "IDType": "MR"}],
              "PreviousIdentifiers": [{"ID": OLD_MRN, "IDType": "MR"}]}  # fmt: skip
    return make_message("merge", event="PatientMerge", Patient=merged)


def _load_by(
    load: Load, settings: Settings, folder: Path, name: str, text: str, *, unwrap: str = ""
) -> None:
    path = folder / f"{name}.ndjson"
    path.write_text(text, "utf-8")
    load(settings, [str(path)], unwrap=unwrap)


def _make_copies(settings: Settings) -> None:
    """A report, an export and a listing of a run below the home."""
    settings.reports_path.mkdir()
    (settings.reports_path / "old.html").write_text(NAME)
    export(settings, settings.home / "exports" / "one", data_models=("PatientAdmin",))
    (settings.home / "batches").mkdir()
    (settings.home / "batches" / "x.json").write_text(f'["/in/{MRN}.json"]')


def _leave_waiting(settings: Settings) -> None:
    """A segment that a dead webhook left open, and a reply that a killed pull kept."""
    settings.incoming_path.mkdir()
    record = encode_record(1, json.dumps(of(MRN, "webhook")).encode())
    (settings.incoming_path / "x.open").write_bytes(MAGIC + record)
    (settings.home / "pull").mkdir()
    spool = Spool(settings.home / "pull" / "replies.spool")
    spool.append(KeptReply("key", 1, 0, json.dumps(of(MRN, "pulled")).encode()))
    spool.close()


def found(home: Path) -> set[tuple[str, str]]:
    """(place, canary) for every file below a home that holds one, its content unpacked too."""
    hits = set()
    for path in sorted(home.rglob("*")):
        place = str(path.relative_to(home))
        texts = [place.encode(), *(_contents(path) if path.is_file() else ())]
        hits |= {(place, c) for c in CANARIES for text in texts if c.encode() in text}
    return hits


def _contents(path: Path) -> Iterator[bytes]:
    yield path.read_bytes()
    if path.suffix == ".parquet":
        yield repr(pq.read_table(path).to_pydict()).encode()
        yield repr(pq.read_schema(path).metadata).encode()
    elif path.suffix == ".duckdb" and path.stat().st_size:
        yield from _rows(path)
    elif path.suffix == ".zst":
        landing, object_id = Landing(path.parent.parent), path.stem
        yield landing.read(object_id, 0, landing.describe(object_id).size_bytes)


def _rows(path: Path) -> Iterator[bytes]:
    with duckdb.connect(str(path), read_only=True) as connection:
        tables = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where not internal"
        ).fetchall()
        for (name,) in tables:
            rows = connection.execute(f"select cast(t as varchar) from {name} as t").fetchall()
            yield repr(rows).encode()
