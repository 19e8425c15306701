"""The session of Spark, for all lakes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.delta.spark import spark_session


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    with spark_session() as session:
        yield session
