"""Starts a Spark session for a command. A notebook has one and does not need this."""

from __future__ import annotations

import os
import shutil
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from etl.errors import TransientError, UsageFault
from etl.without_pandas import let_pandas_in

NAME = "redox-warehouse"
_DEFAULTS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "UTC",
}


@contextmanager
def open_session(
    master: str, *, remote: str = "", settings: Mapping[str, str] | None = None
) -> Iterator[Any]:
    """A session at a master, or at a Spark Connect server, that ends with the block.

    Executors run this Python unless PYSPARK_PYTHON names theirs. Raises UsageFault without pyspark
    or Java, TransientError where the cluster does not answer.
    """
    let_pandas_in()
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise UsageFault(
            "Spark is not installed here; install the package with its extra: "
            "pip install 'redox-warehouse[spark]'."
        ) from None
    if not remote and not _has_java():
        raise UsageFault("Spark needs Java; install Java 17 or set JAVA_HOME, then run it again.")
    if master.startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder: Any = SparkSession.builder
    builder = builder.remote(remote) if remote else builder.master(master).appName(NAME)
    for name, value in {**({} if remote else _DEFAULTS), **(settings or {})}.items():
        builder = builder.config(name, value)
    session = _started(builder)
    try:
        yield session
    finally:
        session.stop()


def _started(builder: Any) -> Any:
    try:
        return builder.getOrCreate()
    except Exception as error:
        raise TransientError(
            f"Spark did not start ({type(error).__name__}); check its address and settings, then "
            "run the command again."
        ) from None


def _has_java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return bool(shutil.which("java")) or bool(home and (Path(home) / "bin" / "java").exists())
