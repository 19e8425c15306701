"""`redox-warehouse doctor`: says what is out of order and what to do, whatever state a home is in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from etl.cli import main as door
from etl.doctor.examine import examine
from etl.doctor.records import Check, State
from etl.errors import PermanentError
from etl.pipeline.load import open_loader
from etl.pipeline.publish import publish
from etl.pipeline.recover import recover
from etl.pipeline.status import read_status
from etl.settings import CONFIG_FILE, Settings, read_settings
from etl.warehouse.connection import open_warehouse, write_lock
from tests.pipeline.small_messages import ask, load, make_patient

MESSAGES = [make_patient("1", {"Sex": "X"}), {"Meta": {"DataModel": "Nothing Known"}}]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = read_settings(tmp_path_factory.mktemp("doctor") / "home")
    load(settings, "messages", MESSAGES)
    return settings


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)


def look(settings: Settings) -> dict[tuple[str, str], Check]:
    checks = list(examine(settings.home, None))
    for check in checks:
        assert check.found
        assert check.action or check.state is State.OK
    return {(check.area, check.name): check for check in checks}


def unwell(settings: Settings) -> dict[tuple[str, str], str]:
    return {name: check.state for name, check in look(settings).items() if check.state != "ok"}


def test_an_empty_home_needs_nothing_but_a_load(settings: Settings) -> None:
    assert unwell(settings) == {("home", "folder"): "warn"}
    assert not settings.home.exists()


def test_a_loaded_home_asks_for_publishing_and_quarantine(loaded: Settings) -> None:
    assert unwell(loaded) == {
        ("warehouse", "quarantine"): "warn",
        ("published", "version"): "warn",
    }
    checks = look(loaded)
    assert "every received item" in checks["warehouse", "ledger"].found
    assert checks["warehouse", "counts"].found == "1 messages, all counted"


def test_published_is_well_until_the_next_load(settings: Settings) -> None:
    load(settings, "one", [make_patient("1", {})])
    publish(settings)
    assert unwell(settings) == {}
    load(settings, "two", [make_patient("2", {})])
    assert unwell(settings) == {("published", "version"): "warn"}


def test_it_answers_while_a_load_runs(loaded: Settings) -> None:
    with (
        write_lock(loaded.warehouse_path, wait_s=1),
        open_warehouse(loaded.warehouse_path, read_only=False),
    ):
        checks = look(loaded)
    assert checks["warehouse", "file"].found.startswith("a load is running")
    assert checks["warehouse", "status"].state == "ok"
    assert checks["home", "leftovers"].found == "a load is running"


@pytest.fixture
def changed(loaded: Settings) -> Iterator[Settings]:
    """The loaded home; what a test adds to it is taken away again."""
    before = {path: path.read_bytes() for path in loaded.home.rglob("*") if path.is_file()}
    yield loaded
    for path in sorted(loaded.home.rglob("*"), reverse=True):
        if path.is_file() and path not in before:
            path.unlink()
    for path, content in before.items():
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
    loaded.warehouse_path.chmod(0o600)


def add_file(settings: Settings, name: str, text: str) -> Path:
    path = settings.home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_faulty_settings_are_told_and_end_the_examination(changed: Settings) -> None:
    add_file(changed, CONFIG_FILE, "[load]\nworkers = -1\nworkerz = 2\n")
    checks = look(changed)
    assert list(checks) == [("configuration", "settings")]
    assert "load.workers" in checks["configuration", "settings"].action
    assert "load.workerz" in checks["configuration", "settings"].action


def test_faulty_catalog_lines_are_named(changed: Settings) -> None:
    add_file(changed, "catalog/fields.csv", "data_model,path\nx,y\n")
    check = look(changed)["catalog", "site's lines"]
    assert check.state == "fail"
    assert "fields.csv:1: needs the columns" in check.action


def test_a_changed_catalog_asks_for_a_reload(changed: Settings) -> None:
    header = "value_set,received,supported,reason\n"
    add_file(changed, "catalog/synonyms.csv", f"{header}Sex,X,Unknown,ours\n")
    check = look(changed)["warehouse", "catalog"]
    assert (check.state, "redox-warehouse reload" in check.action) == ("warn", True)


def test_unknown_policies_are_told(changed: Settings) -> None:
    add_file(changed, CONFIG_FILE, '[values.sets]\nNonsense = "null"\n')
    check = look(changed)["catalog", "check"]
    assert (check.state, "Nonsense" in check.action) == ("fail", True)


def test_a_ledger_that_does_not_add_up_fails(changed: Settings) -> None:
    with open_warehouse(changed.warehouse_path, read_only=False) as connection:
        connection.execute("update core.load set loaded = loaded + 1")
        connection.execute("delete from quality.message_count")
    found = unwell(changed)
    assert found["warehouse", "ledger"] == "fail"
    assert found["warehouse", "counts"] == "fail"


def test_status_that_does_not_add_up_or_lags_is_told(changed: Settings) -> None:
    status: dict[str, Any] = json.loads(changed.status_path.read_text())
    status["messages"]["loaded"] += 1
    status["loads"] += 1
    changed.status_path.write_text(json.dumps(status))
    assert look(changed)["warehouse", "status"].state == "warn"
    changed.status_path.unlink()
    assert unwell(changed)["warehouse", "status"] == "warn"


def test_damaged_files_of_state_fail_without_hiding_the_rest(changed: Settings) -> None:
    changed.status_path.write_text("{")
    changed.seen_path.write_bytes(b"no parquet")
    found = unwell(changed)
    assert found["warehouse", "check"] == "fail"
    assert found["sources", "seen list"] == "warn"
    assert ("dagster", "home") in look(changed)


def test_a_damaged_warehouse_fails(changed: Settings) -> None:
    changed.warehouse_path.write_bytes(b"damaged" * 4096)
    check = look(changed)["warehouse", "file"]
    assert (check.state, "redox-warehouse recover" in check.action) == ("fail", True)


def test_a_lost_warehouse_is_built_again_from_the_kept_bytes(settings: Settings) -> None:
    load(settings, "one", [make_patient("1", {"Sex": "Female"}), make_patient("2", {})])
    before = ask(settings, "select content_hash from core.message order by 1")
    settings.warehouse_path.unlink()
    with open_loader(settings) as loader:
        recover(loader)
    assert ask(settings, "select content_hash from core.message order by 1") == before
    assert unwell(settings) == {("published", "version"): "warn"}


def kept_files(settings: Settings) -> list[Path]:
    return sorted(settings.landing_path.glob("*/*.zst"))


def test_missing_bytes_are_told_until_their_files_are_loaded_again(changed: Settings) -> None:
    assert look(changed)["landing", "objects"].found == "1 object, none missing"
    kept_files(changed)[0].unlink()
    check = look(changed)["landing", "objects"]
    assert (check.state, check.found[:22]) == ("fail", "1 of 1 object missing:")
    load(changed, "messages", MESSAGES)
    assert ("landing", "objects") not in unwell(changed)


def test_bytes_that_changed_are_told_when_they_are_read(changed: Settings) -> None:
    def read() -> Check:
        checks = examine(changed.home, None, is_reading_bytes=True)
        return next(check for check in checks if (check.area, check.name) == ("landing", "bytes"))

    (path,) = kept_files(changed)
    content = path.read_bytes()
    assert (read().state, read().found) == ("ok", "1 object read, all unchanged")
    half = len(content) // 2
    path.write_bytes(content[:half] + bytes([content[half] ^ 255]) + content[half + 1 :])
    assert (read().state, read().found[:22]) == ("fail", "1 of 1 object damaged:")
    path.write_bytes(content[:half])
    assert read().state == "fail"
    assert ("landing", "bytes") not in look(changed)
    path.write_bytes(content)
    for index in path.parent.glob(f"{path.stem}.*"):
        if index != path:
            index.write_bytes(index.read_bytes()[:half])
    assert read().state == "fail"


def test_kept_bytes_are_not_looked_at_while_a_load_writes(loaded: Settings) -> None:
    with write_lock(loaded.warehouse_path, wait_s=0):
        assert look(loaded)["landing", "objects"].found.startswith("a load is running")


def test_damaged_status_is_told_in_a_sentence(settings: Settings) -> None:
    settings.home.mkdir()
    settings.status_path.write_text("{")
    with pytest.raises(PermanentError, match="delete it"):
        read_status(settings.status_path)


def test_rights_and_leftovers_are_seen(changed: Settings) -> None:
    changed.warehouse_path.chmod(0o644)
    add_file(changed, "staging/killed/rows.parquet", "")
    found = look(changed)
    assert "warehouse.duckdb" in found["home", "rights"].found
    assert found["home", "leftovers"].state == "warn"


@pytest.mark.parametrize(
    ("text", "name", "state", "told"),
    [
        ('[receive]\ntokens = "a b"\n', "webhook", "ok", "2 verification tokens"),
        ('[receive]\ntoken_file = "/nowhere/x"\n', "webhook", "fail", "cannot be read"),
        ('[pull]\nclient_id = "c"\n', "pull", "fail", "private_key_file"),
        ('[pull]\napi_key = "k"\nsecret = "s"\n', "pull", "ok", "legacy"),
        (
            '[pull]\nclient_id = "c"\nprivate_key_file = "/no/key"\n',
            "pull",
            "fail",
            "cannot be read",
        ),
        ('[watch]\npaths = ["/no/where"]\n', "watched path 1", "warn", "does not exist"),
        ('[watch]\npaths = ["s3://bucket/x"]\n', "watched path 1", "ok", "s3://"),
    ],
)
def test_ways_in_are_checked_as_far_as_they_are_set_up(
    changed: Settings, text: str, name: str, state: str, told: str
) -> None:
    add_file(changed, CONFIG_FILE, text)
    check = look(changed)["sources", name]
    assert (check.state, told in check.found) == (state, True)


SECRET_CONFIGURATIONS = [
    '[receive]\ntokens = "a b"\n',
    '[pull]\nproxy = "http://user:word@proxy"\n',
    '[buckets.s3]\nsecret = "word"\n',
]


@pytest.mark.parametrize("text", SECRET_CONFIGURATIONS)
def test_a_configuration_with_secrets_is_kept_from_everybody(changed: Settings, text: str) -> None:
    config = add_file(changed, CONFIG_FILE, text)
    config.chmod(0o640)
    assert look(changed)["sources", "secrets"].state == "ok"
    config.chmod(0o644)
    check = look(changed)["sources", "secrets"]
    assert (check.state, CONFIG_FILE in check.found) == ("warn", True)
    assert f"chmod o= {config}" in check.action


def test_a_configuration_without_secrets_may_be_read(changed: Settings) -> None:
    add_file(changed, CONFIG_FILE, "[load]\nworkers = 2\n").chmod(0o644)
    assert ("sources", "secrets") not in look(changed)


@pytest.mark.parametrize("setting", ["receive.token_file", "pull.private_key_file"])
def test_files_of_secrets_are_kept_from_everybody(changed: Settings, setting: str) -> None:
    section, _, name = setting.partition(".")
    file = add_file(changed, "secret.txt", "abc\n")
    add_file(changed, CONFIG_FILE, f'[{section}]\n{name} = "{file}"\n')
    file.chmod(0o644)
    check = look(changed)["sources", "secrets"]
    assert (check.state, check.found.endswith("secret.txt")) == ("warn", True)
    file.chmod(0o600)
    assert look(changed)["sources", "secrets"].state == "ok"


def test_comments_of_a_token_file_are_no_tokens(changed: Settings) -> None:
    file = add_file(changed, "tokens", "# the first one\nabc\n\n# the next one\ndef\n")
    add_file(changed, CONFIG_FILE, f'[receive]\ntoken_file = "{file}"\n')
    assert look(changed)["sources", "webhook"].found == "2 verification tokens"
    file.write_text("# none yet\n")
    assert look(changed)["sources", "webhook"].state == "fail"


def test_a_watched_path_may_begin_at_the_users_home(
    changed: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "exports").mkdir()
    add_file(changed, CONFIG_FILE, '[watch]\npaths = ["~/exports"]\n')
    assert look(changed)["sources", "watched path 1"].state == "ok"


def test_names_that_only_look_like_settings_are_told(
    changed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDOX_WAREHOUSE_RECEIVE_PORT", "9000")
    check = look(changed)["configuration", "environment"]
    assert check.state == "warn"
    assert "REDOX_WAREHOUSE_RECEIVE_PORT" in check.found


def test_command_gives_1_only_when_something_fails(
    changed: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> int:
        monkeypatch.setattr(
            "sys.argv", ["redox-warehouse", "--home", str(changed.home), "doctor", *arguments]
        )
        with pytest.raises(SystemExit) as leaving:
            door.main()
        return int(leaving.value.code or 0)

    assert run() == 0
    assert "action" in capsys.readouterr().out
    add_file(changed, CONFIG_FILE, "nonsense = 1\n")
    assert run("--json") == 1
    told: list[dict[str, str]] = json.loads(capsys.readouterr().out)
    assert [check["state"] for check in told] == ["fail"]


def test_help_needs_no_home() -> None:
    from etl.cli.doctor import doctor

    assert "Exit code 1" in CliRunner().invoke(doctor, ["--help"]).output
