"""A Spark session of this process, on loopback only; tests that need it skip where it cannot be."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

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


@contextmanager
def spark_session(master: str = "local[2]") -> Iterator[Any]:
    """Spark with two threads, or as the master says."""
    sql = require_spark()
    zone = os.environ.get("TZ")
    os.environ.update(SPARK_LOCAL_IP="127.0.0.1", PYSPARK_PYTHON=sys.executable, TZ="UTC")
    builder = sql.SparkSession.builder.master(master).appName("redox-warehouse")
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    try:
        yield session
    finally:
        session.stop()
        if zone is None:
            del os.environ["TZ"]
        else:
            os.environ["TZ"] = zone
