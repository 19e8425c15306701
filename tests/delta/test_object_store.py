"""A URL as target: files are uploaded once, commits are made only where none is."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
from deltalake import DeltaTable

from etl.errors import TransientError
from etl.pipeline.delta import register_delta
from tests.delta.small_home import SmallHome

TARGET = "s3://lake/redox"


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """The address of a stand-in for S3, in a process of its own: deltalake lists without letting
    other threads of Python work."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    call = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert time.monotonic() < until, "the stand-in for S3 does not answer"
            time.sleep(0.1)


@pytest.fixture
def bucket(store: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in {
        "AWS_ENDPOINT_URL": store,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "synthetic",
        "AWS_SECRET_ACCESS_KEY": "synthetic",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="lake")
    return client


@pytest.fixture
def home(tmp_path: Path) -> SmallHome:
    home = SmallHome(tmp_path)
    home.load(20)
    home.publish()
    return home


def stored(client: Any) -> dict[str, str]:
    listing = client.get_paginator("list_objects_v2").paginate(Bucket="lake")
    return {entry["Key"]: entry["ETag"] for page in listing for entry in page.get("Contents", ())}


def differing(home: SmallHome) -> list[str]:
    """Tables whose rows in the bucket are not those of the current version."""
    file = home.folder.current() / "warehouse.duckdb"  # type: ignore[operator]
    found = []
    with duckdb.connect(str(file), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        for name in home.names():
            rows = DeltaTable(f"{TARGET}/{name.replace('.', '/')}").to_pyarrow_table()  # noqa: F841
            left = connection.execute(f"from {name} except all from rows").fetchall()
            right = connection.execute(f"from rows except all from {name}").fetchall()
            found += [name] * bool(left or right)
    return found


def test_a_bucket_holds_what_the_version_holds_and_gets_only_what_is_new(
    bucket: Any, home: SmallHome
) -> None:
    first = register_delta(home.settings, TARGET)
    assert (first.tables_changed, differing(home)) == (first.tables, [])
    before = stored(bucket)
    assert register_delta(home.settings, TARGET).tables_changed == 0
    assert stored(bucket) == before

    home.load(5)
    home.publish()
    register_delta(home.settings, TARGET, keep_hours=0)
    after = stored(bucket)
    assert differing(home) == []
    assert {key: tag for key, tag in after.items() if before.get(key, tag) != tag} == {}
    old = before.keys() - after.keys()
    assert old
    assert all(key.endswith(".parquet") for key in old)


def test_a_store_that_refuses_is_an_error_without_its_words(home: SmallHome) -> None:
    options = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ALLOW_HTTP": "true"}
    keys = {"AWS_ACCESS_KEY_ID": "secret-key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "x"}
    quick = {"max_retries": "0", "retry_timeout": "1s"}
    storage = home.settings.delta.model_validate({"storage": options | keys | quick})
    settings = home.settings.model_copy(update={"delta": storage})
    with pytest.raises(TransientError) as caught:
        register_delta(settings, TARGET)
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
