"""No value, odd key or file name of a patient in output, logs, errors or files beside the data."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest

from etl.cli import main as door
from tests.privacy.canaries import (
    CANARIES,
    NAME,
    SSN,
    found_in_files,
    found_in_text,
    write_inputs,
)

SETTINGS = "[load]\nmax_message_bytes = 20000\n"


@dataclass
class Site:
    """A home, inputs that carry canaries, and all that was ever shown."""

    home: Path
    inputs: dict[str, Path]
    capture: Any
    log: Any
    shown: list[str] = field(default_factory=list)

    def run(self, *arguments: str | Path) -> int:
        """Run a command as a user would; gives its exit code. What it shows is kept."""
        with pytest.MonkeyPatch.context() as patch:
            given = ["redox-warehouse", "--home", str(self.home), *map(str, arguments)]
            patch.setattr("sys.argv", given)
            with pytest.raises(SystemExit) as leaving:
                door.main()
        captured = self.capture.readouterr()
        self.shown += [captured.out, captured.err, self.log.text]
        return int(leaving.value.code or 0)

    def assert_clean(self) -> None:
        text = "\n".join(self.shown)
        assert found_in_text(text) == set(), _around(text)
        assert list(found_in_files(self.home)) == []


def _around(text: str) -> str:
    """Where a canary stands, for whoever must find how it got there."""
    at = min(text.find(canary) for canary in CANARIES if canary in text)
    return text[max(at - 300, 0) : at + 60]


@pytest.fixture
def site(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Site]:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    (home / "redox-warehouse.toml").write_text(SETTINGS)
    yield Site(home, write_inputs(tmp_path / "inputs"), capfd, caplog)


def test_a_full_run_over_bad_messages_shows_no_canary(site: Site) -> None:
    assert site.run("load", site.inputs["mixed"], site.inputs["cut"]) == 3
    assert site.run("load", "--json", site.inputs["csv"], site.inputs["empty"]) in (0, 3)
    assert site.run("load", "--unwrap", "body", site.inputs["rows"]) == 3
    assert site.run("load", site.inputs["mixed"].parent) in (1, 3)
    for command in COMMANDS:
        assert site.run(*command) in (0, 3), command
    assert site.run("reliability", "--report", site.home / "reports" / "all.html") in (0, 3)
    assert site.run("export", site.home.parent / "handed over") == 0
    site.assert_clean()
    assert "unlisted_key" in "".join(site.shown)
    assert "unknown_data_model" in "".join(site.shown)


COMMANDS: list[list[str]] = [
    ["status"],
    ["status", "--json"],
    ["findings", "--severity", "all"],
    ["findings", "--severity", "all", "--json"],
    ["findings", "--messages", "--json"],
    ["findings", "--by", "event", "--by", "source", "--severity", "all"],
    ["drift"],
    ["drift", "--json"],
    ["drift", "--write"],
    ["reload"],
    ["drift"],
    ["quarantine", "list"],
    ["quarantine", "list", "--json"],
    ["quarantine", "replay"],
    ["quarantine", "resolve", "1"],
    ["doctor"],
    ["doctor", "--json"],
    ["publish"],
    ["publish"],
    ["reliability"],
    ["reliability", "--json"],
    ["findings", "--by", "source", "--by", "day", "--json"],
    ["drift", "--json"],
    ["doctor"],
]


def test_faulty_calls_and_sources_show_no_canary(site: Site) -> None:
    assert site.run("load", site.inputs["missing"]) != 0
    assert site.run("load", site.inputs["damaged"]) != 0
    assert site.run("load", f"s3x://{NAME}/{SSN}") != 0
    assert site.run("load", site.inputs["mixed"], "--unwrap", "body") == 3
    assert site.run("findings", "--values") == 2
    assert site.run("show", "4711") != 0
    assert site.run("quarantine", "show", "4711") != 0
    site.assert_clean()


def _raise_value_error(*_: object, **__: object) -> None:
    raise ValueError(f"{NAME} {SSN}")


def _raise_duckdb(*_: object, **__: object) -> None:
    duckdb.execute(f"select cast('{NAME} {SSN}' as integer)").fetchall()


def _raise_os_error(*_: object, **__: object) -> None:
    raise OSError(28, "No space left on device", f"/x/{NAME}")


@pytest.mark.parametrize("raiser", [_raise_value_error, _raise_duckdb, _raise_os_error])
@pytest.mark.parametrize(
    "place",
    [
        "etl.pipeline.reading.Reading.read_unit",
        "etl.kernel.settle.Settling.finish",
        "etl.warehouse.commit.Inserting.finish",
        "etl.pipeline.load.write_status",
        "etl.landing.store.Landing.land",
    ],
)
def test_errors_of_any_step_show_no_canary(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    raiser: Callable[..., None],
) -> None:
    monkeypatch.setattr(place, raiser)
    assert site.run("load", site.inputs["mixed"]) not in (0, 3)
    assert "".join(site.shown).strip()
    site.assert_clean()


def test_faults_of_a_site_catalog_show_lines_and_no_values(site: Site) -> None:
    (site.home / "catalog").mkdir()
    faulty = site.home / "catalog" / "synonyms.csv"
    faulty.write_text(f"value_set,received\n{NAME},{SSN}\n")
    assert site.run("load", site.inputs["mixed"]) == 2
    assert site.run("doctor") == 1
    faulty.unlink()
    site.assert_clean()
