"""No patient value and no secret in logs, errors, output, or the journal, whatever goes wrong."""

from __future__ import annotations

import json
import logging
import traceback
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from etl.cli.pull import pull as command
from etl.errors import RedoxWarehouseError
from etl.settings import Settings, read_settings
from tests.pull.builders import FAST, make_query, write_requests
from tests.standin.faults import Fault
from tests.standin.keys import RegisteredKey, write_key
from tests.standin.redox import StandIn

CANARY = "CANARY-078-05-1120"
SECRET = "s3cret-CANARY"

FAULTS = [
    [],
    [Fault(errors=True)],
    [Fault(status=400)],
    [Fault(status=401)] * 50,
    [Fault(status=503)] * 50,
    [Fault(status=429, retry_after="5000")],
    [Fault(half_body=True)] * 50,
    [Fault(cut_at=60)] * 50,
]


def run(settings: Settings, *arguments: str | Path) -> tuple[str, int]:
    """Run the command; gives all it shows, tracebacks of its errors included, and its exit code."""
    result = CliRunner().invoke(command, [str(one) for one in arguments], obj=settings)
    shown = result.output
    if result.exception is not None:
        shown += "".join(traceback.format_exception(result.exception))
        shown += str(vars(result.exception))
    if isinstance(result.exception, RedoxWarehouseError):
        return shown, result.exception.exit_code
    return shown, result.exit_code


def make_files(folder: Path) -> tuple[Path, Path]:
    requests = write_requests(folder / CANARY, [make_query(), make_query(f"{CANARY} fixed")])
    table = folder / f"{CANARY}.csv"
    table.write_text(f"patient_id\n{CANARY}\n{CANARY}2\n")
    return requests, table


@pytest.fixture(params=["oauth", "legacy"])
def settings(
    request: pytest.FixtureRequest, tmp_path: Path, standin: StandIn, private_keys: dict[str, Any]
) -> Settings:
    """A home whose login, of either kind, is the canary."""
    key_file = write_key(private_keys["ES384"], tmp_path / "private.pem")
    key = RegisteredKey("kid", SECRET, "ES384", private_keys["ES384"].public_key())
    standin.login.register(key)
    standin.login.api_key = standin.login.secret = SECRET
    oauth = {"client_id": SECRET, "key_id": "kid", "private_key_file": key_file}
    logins = {
        "oauth": oauth | {"algorithm": "ES384"},
        "legacy": {"api_key": SECRET, "secret": SECRET},
    }
    quick = {"max_attempts": 2, "give_up_after": 2}
    given = standin.settings() | FAST | quick | logins[request.param]
    return read_settings(tmp_path / "home", pull=given)


@pytest.mark.parametrize("faults", FAULTS)
def test_nothing_of_patients_or_secrets_is_shown(
    faults: list[Fault], settings: Settings, standin: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    requests, table = make_files(settings.home.parent)
    standin.faults.add(faults)
    shown, _ = run(settings, requests, "--table", table)
    key_file = settings.home.parent / "private.pem"
    assert "httpcore" in caplog.text
    _assert_clean(shown + caplog.text, key_file)
    _assert_clean((settings.home / "pull" / "journal.txt").read_text(), key_file)


@pytest.mark.parametrize(
    "content",
    [f'{{"a": "{CANARY}', f'["{CANARY}"]', f'{{"Meta": {{"EventType": "{CANARY}"}}}}', "{}"],
)
def test_faults_of_requests_show_no_value(content: str, tmp_path: Path) -> None:
    file = tmp_path / f"{CANARY}.json"
    file.write_text(content)
    table = tmp_path / f"{CANARY}.csv"
    table.write_text(f'a,b\n"{CANARY}\n')
    settings = read_settings(tmp_path / "home", pull={"secret": SECRET, "api_key": SECRET})
    for arguments in ([file], [file, "--table", table], [tmp_path / CANARY], [file, "--dry-run"]):
        shown, exit_code = run(settings, *arguments)
        assert exit_code == 2
        _assert_clean(shown)


def test_settings_print_no_secret(tmp_path: Path) -> None:
    given = {"secret": SECRET, "api_key": SECRET, "proxy": f"http://u:{SECRET}@127.0.0.1:1"}
    settings = read_settings(tmp_path, pull=given)
    _assert_clean(repr(settings) + str(settings) + json.dumps(settings.model_dump(mode="json")))


def _assert_clean(shown: str, key_file: Path | None = None) -> None:
    lines = [SECRET, CANARY]
    if key_file is not None:
        lines += key_file.read_text().splitlines()[1:-1]
    assert [line for line in lines if line in shown] == []
