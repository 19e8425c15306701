"""Every fault of the configuration is told at once, in plain words, and no value with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl.errors import UsageFault
from etl.publish.delta.place import place_of
from etl.settings import CONFIG_FILE, read_settings, unread_environment

SECRET = "Zk9secret"


def told(home: Path, text: str | bytes = "") -> str:
    """The sentence with which a configuration is refused."""
    content = text if isinstance(text, bytes) else text.encode()
    (home / CONFIG_FILE).write_bytes(content)
    with pytest.raises(UsageFault) as caught:
        read_settings(home)
    return str(caught.value)


def test_faults_of_file_and_environment_are_told_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDOX_WAREHOUSE_LOAD__WORKERS", "-3")
    monkeypatch.setenv("REDOX_WAREHOUSE_PULL__TIMEOUT_S", SECRET)
    monkeypatch.setenv("REDOX_WAREHOUSE_RECIEVE__PORT", SECRET)
    text = f"""
        [receive]
        port = 99999
        path = "redox"
        tokens = 12345
        prot = 1
        [pull]
        endpoint = "http://example.org/{SECRET}"
        algorithm = "HS256"
        secret = ["{SECRET}"]
        [watch]
        paths = "s3://bucket"
        [nonsense]
        a = 1
    """

    sentence = told(tmp_path, text)

    for fault in (
        "load.workers must be at least 0",
        "pull.timeout_s must be a number",
        "REDOX_WAREHOUSE_RECIEVE__PORT is not a setting",
        "receive.port must be at most 65535",
        "receive.path must be of the form ^/",
        "receive.tokens must be text in quotes",
        "receive.prot is not a setting",
        "pull.endpoint must be an https:// address",
        "pull.algorithm must be 'RS384' or 'ES384'",
        "pull.secret must be text in quotes",
        'watch.paths must be a list such as ["a", "b"]',
        "nonsense is not a setting",
    ):
        assert fault in sentence, fault
    assert SECRET not in sentence
    assert sentence.endswith(f"correct {tmp_path / CONFIG_FILE} or the environment.")


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (f'[receive]\ntokens = "{SECRET}'.encode(), "is not valid TOML at end of document"),
        (
            f'[pull]\nsecret = "{SECRET}"\n\nport 8'.encode(),
            "is not valid TOML at line 4, column 6",
        ),
        (b'[receive]\nhost = "a\xff"', "is not UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_beside_other_faults(
    content: bytes, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDOX_WAREHOUSE_LOAD__WORKERS", "many")

    sentence = told(tmp_path, content)

    assert f"{CONFIG_FILE} {fault}" in sentence
    assert "load.workers must be a whole number" in sentence
    assert SECRET not in sentence


def test_a_folder_in_the_files_place_is_told(tmp_path: Path) -> None:
    (tmp_path / CONFIG_FILE).mkdir()

    with pytest.raises(UsageFault, match="cannot be read, Is a directory"):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("REDOX_WAREHOUSE_PULL", "pull must be a table of settings"),
        ("REDOX_WAREHOUSE_WATCH__PATHS", "watch.paths must be a list such as"),
        ("REDOX_WAREHOUSE_BUCKETS__S3", "buckets.s3 must be a table of settings"),
    ],
)
def test_text_that_is_no_json_is_told_by_the_settings_name(
    name: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, f"{{{SECRET}")

    sentence = told(tmp_path)

    assert fault in sentence
    assert SECRET not in sentence


def test_names_a_platform_makes_are_no_fault_but_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kubernetes gives every container such names for a service `redox-warehouse-receive`."""
    monkeypatch.setenv("REDOX_WAREHOUSE_RECEIVE_PORT", "tcp://10.0.0.1:8642")
    monkeypatch.setenv("REDOX_WAREHOUSE_RECEIVE__PORT", "9000")

    assert read_settings(tmp_path).receive.port == 9000
    assert "REDOX_WAREHOUSE_RECEIVE_PORT" in unread_environment()


@pytest.mark.parametrize("name", ["a?", "a\\b", "a\udcff"])
def test_a_home_that_duckdb_would_read_as_another_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageFault, match=r"choose another folder\.$"):
        read_settings(tmp_path / name / "home")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["a b", "it's", 'a"b', "ünï 漢字", "a;b", "a%41{x}$y", "-a", "a[1]*"]
)
def test_a_home_may_have_any_other_name(tmp_path: Path, name: str) -> None:
    assert read_settings(tmp_path / name).home == tmp_path / name


@pytest.mark.parametrize("name", ["a%41", "a\\b", "a\nb", "a\udcff"])
def test_a_delta_target_that_delta_tables_cannot_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageFault, match=r"choose another folder\.$"):
        place_of(str(tmp_path / name), {})
    assert list(tmp_path.iterdir()) == []
