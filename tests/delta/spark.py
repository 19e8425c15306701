"""A Spark session of this process, on loopback only; tests that need it skip where it cannot be.

There is one for all tests, as starting it takes longer than most of them. `SPARK_TESTS` names its
master: `make spark` gives a cluster whose executors are processes of their own.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest

MASTER = os.environ.get("SPARK_TESTS", "local[2]")
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "2",
    "spark.driver.memory": "1g",
}


def require_spark() -> Any:
    """`pyspark.sql`; skips the test where it or Java is not installed."""
    if shutil.which("java") is None:
        pytest.skip("Java is not installed; install Java 17 to run the tests with Spark")
    return pytest.importorskip("pyspark.sql", reason="pyspark is not installed; run `make spark`")


def require_executors() -> None:
    """Skips the test where executors are threads of this process, which nobody can kill."""
    require_spark()
    if not MASTER.startswith("local-cluster"):
        pytest.skip("executors are no processes of their own here; run `make spark`")


@contextmanager
def spark_session() -> Iterator[Any]:
    """The session; while it is used this process counts in UTC, as executors do."""
    require_spark()
    zone = os.environ.get("TZ")
    os.environ["TZ"] = "UTC"
    try:
        yield _session()
    finally:
        if zone is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = zone


@cache
def _session() -> Any:
    from pyspark.sql import SparkSession

    os.environ.update(SPARK_LOCAL_IP="127.0.0.1", PYSPARK_PYTHON=sys.executable)
    builder: Any = SparkSession.builder
    builder = builder.master(MASTER).appName("redox-warehouse")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    atexit.register(session.stop)
    return session
