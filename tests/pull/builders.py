"""What the tests of the pull start from: queries, a home that talks to the stand-in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from etl.framing.segments import scan_segment
from etl.pipeline.pull import PullRequest, PullSummary
from etl.pipeline.pull import pull as run
from etl.settings import Settings, read_settings
from tests.standin.redox import StandIn

FAST = {"backoff_s": 0.01, "longest_backoff_s": 0.05, "timeout_s": 2.0}
API_KEY, SECRET = "a-legacy-key", "a-legacy-secret"


def make_query(patient_id: str = "{{patient_id}}", **meta: str) -> dict[str, Any]:
    return {
        "Meta": {"DataModel": "PatientSearch", "EventType": "Query", "Test": True} | meta,
        "Patient": {"Identifiers": [{"ID": patient_id, "IDType": "MR"}]},
    }


def make_home(folder: Path, standin: StandIn, **pull: Any) -> Settings:
    """A home that logs in with the legacy key, which costs no key pair."""
    standin.login.api_key, standin.login.secret = API_KEY, SECRET
    legacy = {"api_key": API_KEY, "secret": SECRET}
    return read_settings(folder / "home", pull=standin.settings() | FAST | legacy | pull)


def write_requests(folder: Path, queries: Iterable[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "requests.ndjson"
    file.write_text("".join(json.dumps(query) + "\n" for query in queries))
    return file


def ask(settings: Settings, count: int, **request: Any) -> PullSummary:
    """Pull so many requests, P0, P1 and so on."""
    queries = [make_query(f"P{number}") for number in range(count)]
    file = write_requests(settings.home.parent / "requests", queries)
    return run(settings, PullRequest((file,), **request))


def read_landed(settings: Settings) -> list[dict[str, Any]]:
    """The bodies of all closed segments, in order of their names."""
    bodies: list[dict[str, Any]] = []
    for file in sorted(settings.incoming_path.glob("*.seg")):
        content = file.read_bytes()
        scan = scan_segment([content])
        assert scan.torn_bytes == 0
        for at, size in zip(scan.items.offset, scan.items.length, strict=True):
            bodies.append(json.loads(content[at : at + size]))
    return bodies


def landed_ids(settings: Settings) -> list[str]:
    """The patient ids of all landed replies, sorted."""
    replies = [body for body in read_landed(settings) if "Patient" in body]
    return sorted(body["Patient"]["Identifiers"][0]["ID"] for body in replies)
