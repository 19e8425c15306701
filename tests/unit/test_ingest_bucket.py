"""Buckets: an S3 server on loopback is listed and read like a folder."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest

from etl.errors import RedoxWarehouseError, UsageFault
from etl.sources.files import list_sources, open_source

boto3 = pytest.importorskip("boto3")
moto_server = pytest.importorskip("moto.server")
pytest.importorskip("s3fs")


@pytest.fixture(scope="module")
def bucket() -> Iterator[dict[str, Any]]:
    server = moto_server.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options: dict[str, Any] = {
        "key": "k",
        "secret": "s",
        "client_kwargs": {"endpoint_url": f"http://{host}:{port}", "region_name": "us-east-1"},
    }
    client = boto3.client(
        "s3", aws_access_key_id="k", aws_secret_access_key="s", **options["client_kwargs"]
    )
    client.create_bucket(Bucket="feed")
    for key in ["day=1/a.json", "day=1/b[1].json", "day=2/c.json.gz", "day=2/_x.json", "day=2/"]:
        body = gzip.compress(b'{"a":1}') if key.endswith("gz") else b'{"a":1}'
        client.put_object(Bucket="feed", Key=key, Body=b"" if key.endswith("/") else body)
    yield options
    server.stop()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://feed", ["day=1/a.json", "day=1/b[1].json", "day=2/c.json.gz"]),
        ("s3://feed/day=2", ["day=2/c.json.gz"]),
        ("s3://feed/day=2/", ["day=2/c.json.gz"]),
        ("s3://feed/day=*", ["day=1/a.json", "day=1/b[1].json", "day=2/c.json.gz"]),
        ("s3://feed/*/*.gz", ["day=2/c.json.gz"]),
        ("s3://feed/day=1/b[1].json", ["day=1/b[1].json"]),
        ("s3://feed/day=2/_x.json", ["day=2/_x.json"]),
    ],
)
def test_objects_are_listed_with_their_etag(
    bucket: dict[str, Any], url: str, expected: list[str]
) -> None:
    found = list(list_sources([url], **bucket))
    assert [source.uri for source in found] == [f"s3://feed/{name}" for name in expected]
    assert all(source.etag and source.size and source.mtime_ns for source in found)


def test_a_packed_object_is_read(bucket: dict[str, Any]) -> None:
    (source,) = list_sources(["s3://feed/day=2/c.json.gz"], **bucket)
    with open_source(source, **bucket) as stream:
        assert stream.read() == b'{"a":1}'


@pytest.mark.parametrize("url", ["s3://feed/none", "s3://feed/none*", "s3://nobucket/x"])
def test_a_missing_prefix_is_told(bucket: dict[str, Any], url: str) -> None:
    with pytest.raises(UsageFault, match=r"^Nothing is at the path given; check the path.$"):
        list(list_sources([url], **bucket))


def test_a_store_that_does_not_answer_is_told(bucket: dict[str, Any]) -> None:
    deaf = {
        **bucket,
        "client_kwargs": {"endpoint_url": "http://127.0.0.1:9", "region_name": "us-east-1"},
        "config_kwargs": {"connect_timeout": 1, "retries": {"max_attempts": 1}},
    }
    with pytest.raises(RedoxWarehouseError, match="did not answer") as told:
        list(list_sources(["s3://feed/john-smith"], **deaf))
    assert "john" not in str(told.value)
