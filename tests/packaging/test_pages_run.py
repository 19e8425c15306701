"""Every command, query and script on the pages runs, in order, from a fresh home.

Pages are read as documents by the other tests here; this one does what they say.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from etl.pipeline.load import load_paths
from etl.pipeline.publish import publish
from etl.settings import read_settings
from etl.synth import Dials, write_synthetic
from etl.synth.dials import Override, Shares, SourceDial
from tests.packaged import packaged_catalog
from tests.packaging.documents import ROOT, Block, blocks, page_name, pages, prose
from tests.packaging.page_session import PageSession, is_run

QUICK = {"docs/terminal.md"}
"""A page of few commands; the others take longer and run with the slow tests."""
OWN_TESTS = {"docs/analysts.md": "test_analysts_page.py"}
DIALS = Dials(
    messages=900,
    days=30,
    data_models=("PatientAdmin", "Results"),
    event_types=("Arrival", "Discharge", "New"),
    sources=(SourceDial("North Hospital"), SourceDial("Lakeside Clinic")),
    overrides=(
        Override(path="Visit.VisitNumber", rate=0.2, source="Lakeside Clinic", first_day=16),
    ),
    shares=Shares(bad_dates=0.02, bad_codes=0.04, unlisted_keys=0.02, malformed=0.005),
)


def _runnable(page: Path) -> bool:
    return page_name(page) not in OWN_TESTS and any(map(is_run, blocks(page)))


RUN = [page for page in pages() if "decisions" not in page.parts and _runnable(page)]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `messages`, and `.redox-warehouse` that has loaded and published them."""
    folder = tmp_path_factory.mktemp("reader")
    write_synthetic(folder / "messages", catalog=packaged_catalog(), dials=DIALS)
    settings = read_settings(folder / ".redox-warehouse")
    load_paths(settings, [str(folder / "messages")])
    publish(settings)
    return folder


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=[] if page_name(page) in QUICK else [pytest.mark.slow])
        for page in RUN
    ],
    ids=page_name,
)
def test_a_page_does_what_it_says(page: Path, prepared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    shutil.copytree(prepared, folder, symlinks=True)
    publish(read_settings(folder / ".redox-warehouse"))  # its views hold absolute paths
    (folder / "exports").symlink_to(folder / "messages")
    home = str(folder / ".redox-warehouse")
    session = PageSession(folder, {"PYTHONPATH": str(ROOT), "REDOX_WAREHOUSE_HOME": home})
    try:
        for block in blocks(page):
            if is_run(block):
                session.run(block)
    finally:
        session.close()


@pytest.mark.parametrize("page", pages(), ids=page_name)
def test_code_is_in_fenced_blocks(page: Path) -> None:
    """An indented block has no language, so nothing could know that it must run."""
    assert [line for line in prose(page) if line.startswith("    ")] == []


TASKS = ROOT / "docs" / "tasks.md"
ELSEWHERE = {"spark-load", "receive", "pull", "catalog import-ratings"}
"""Commands of tasks that need Spark, Redox or its pages; their own pages and tests run them."""
FILLED_IN = {
    "--unwrap KEY PATH...": "--unwrap body hooks.jsonl",
    "export.csv": "rows.csv",
    "PATH...": "message.json",
    "show MODEL PATH": "show PatientAdmin Visit.VisitNumber",
    "--model MODEL": "--model PatientAdmin",
    "FILE": "report.html",
    "DIR": "handover",
    "quarantine show 1": 'quarantine show "$(redox-warehouse quarantine list | sed -n 2p | cut -f 1)"',
}


def _tasks() -> list[str]:
    """The commands in the column of what to do, in order."""
    cells = [
        line.split(" | ")[1] for line in TASKS.read_text("utf-8").splitlines() if " | " in line
    ]
    return [found for cell in cells for found in re.findall(r"`(redox-warehouse [^`]+)`", cell)]


@pytest.mark.slow
def test_every_task_is_done_as_its_line_says(prepared: Path, tmp_path: Path) -> None:
    folder = tmp_path / "reader"
    shutil.copytree(prepared, folder, symlinks=True)
    publish(read_settings(folder / ".redox-warehouse"))
    home = str(folder / ".redox-warehouse")
    meta = {"DataModel": "PatientAdmin", "EventType": "Arrival", "Logs": [{"ID": "1"}]}
    (folder / "message.json").write_text(json.dumps({"Meta": meta, "Visit": {"Own": "new"}}))
    envelope = {"body": {"Meta": meta | {"Logs": [{"ID": "2"}]}}}
    (folder / "hooks.jsonl").write_text(json.dumps(envelope))
    row = json.dumps({"Meta": meta | {"Logs": [{"ID": "3"}]}}).replace('"', '""')
    (folder / "rows.csv").write_text(f'id,payload\n1,"{row}"\n')
    session = PageSession(folder, {"PYTHONPATH": str(ROOT), "REDOX_WAREHOUSE_HOME": home})
    tasks = [task for task in _tasks() if not any(f"house {one}" in task for one in ELSEWHERE)]
    assert len(tasks) > 20
    try:
        for task in tasks:
            command = task
            for words, value in FILLED_IN.items():
                command = command.replace(words, value)
            session.run(Block("sh", f"{command} || [ $? = 3 ]"))
    finally:
        session.close()
