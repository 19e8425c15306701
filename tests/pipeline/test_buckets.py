"""Objects of a bucket are loaded by the same code as files: once, with what is new or replaced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from fsspec import get_filesystem_class
from moto.server import ThreadedMotoServer

from etl.pipeline.load import load_paths
from etl.settings import Settings
from etl.sources.files import list_sources
from etl.sources.seen import read_seen, unseen
from tests.faults.odd_file import adt

PREFIX = "s3://feeds/redox/2026"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "synthetic",
        "AWS_SECRET_ACCESS_KEY": "synthetic",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="feeds")
    yield client
    server.stop()
    get_filesystem_class("s3").clear_instance_cache()  # it knows the address of this server


def _put(client: Any, number: int, **sections: Any) -> None:
    body = json.dumps(adt(number, **sections)).encode()
    client.put_object(Bucket="feeds", Key=f"redox/2026/{number:05d}.json", Body=body)


@pytest.mark.parametrize("objects", [40, pytest.param(1_000, marks=pytest.mark.slow)])
def test_a_prefix_is_loaded_once_and_what_is_new_is_noticed(
    bucket: Any, settings: Settings, objects: int
) -> None:
    for number in range(objects):
        _put(bucket, number)
    first = load_paths(settings, [PREFIX])
    assert (first.received, first.loaded) == (objects, objects)
    again = load_paths(settings, [PREFIX])
    assert (again.received, again.skipped_objects) == (0, objects)
    assert list(unseen(list_sources([PREFIX]), read_seen(settings.seen_path))) == []

    _put(bucket, objects)
    _put(bucket, 7, Visit={"VisitNumber": "replaced"})
    noticed = list(unseen(list_sources([PREFIX]), read_seen(settings.seen_path)))
    assert [source.uri[-10:] for source in noticed] == ["00007.json", f"{objects:05d}.json"]
    third = load_paths(settings, [PREFIX])
    assert (third.received, third.loaded) == (2, 2)
