"""The Tab key completes data models, event types, rules and paths."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from etl.cli.main import cli


@pytest.mark.parametrize(
    ("typed", "incomplete", "completed"),
    [
        ("reliability --model", "patienta", ["PatientAdmin"]),
        ("findings --model", "Clin", ["Clinical Decisions", "Clinical Summary"]),
        ("findings --rule", "value_not_supported_n", ["value_not_supported_new"]),
        ("findings --model PatientAdmin --event", "Arr", ["Arrival"]),
        ("catalog show", "Sched", ["Scheduling"]),
        ("catalog show PatientAdmin", "Visit.VisitN", ["Visit.VisitNumber"]),
        ("catalog show patient_admin", "Visit.VisitN", ["Visit.VisitNumber"]),
        ("export out --model", "Note", ["Notes"]),
        ("", "quar", ["quarantine"]),
    ],
)
def test_names_are_completed(typed: str, incomplete: str, completed: list[str]) -> None:
    assert _complete(typed, incomplete) == completed


def test_bash_gets_blanks_that_it_can_put_on_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_REDOX_WAREHOUSE_COMPLETE", "bash_complete")
    assert _complete("drift --model", "Clinical S") == ["Clinical\\ Summary"]


def test_names_of_the_site_are_completed(tmp_path: Path) -> None:
    folder = tmp_path / "catalog"
    folder.mkdir()
    (folder / "data_models.csv").write_text("data_model,schema,description\nZoo,zoo,Animals\n")
    assert _complete(f"--home {tmp_path} findings --model", "Z") == ["Zoo"]


def _complete(typed: str, incomplete: str) -> list[str]:
    shell = ShellComplete(cli, {}, "redox-warehouse", "_REDOX_WAREHOUSE_COMPLETE")
    return [item.value for item in shell.get_completions(typed.split(), incomplete)]
