"""Runs tasks on the executors of a Spark session, and turns Spark's errors into ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from etl.errors import PermanentError, TransientError
from etl.lake.executor import MARK, TaskFailed

Work = Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]
_SENTENCE = re.compile(re.escape(MARK) + r" ([^\n]+)")
_SPARK_TYPES = {
    pa.int32(): "int",
    pa.int64(): "bigint",
    pa.string(): "string",
    pa.binary(): "binary",
}


class Cluster:
    """A Spark session, classic or Connect: only data frames are asked of it."""

    def __init__(self, spark: Any) -> None:
        self._spark = spark

    def map(self, work: Work, tasks: int, schema: pa.Schema) -> list[dict[str, Any]]:
        """The rows that tasks 0 to tasks - 1 give, each run whole on one executor, in any order.

        A task that is lost is run again; one that ran twice gives its rows once. Raises
        PermanentError with an executor's own sentence, TransientError for all else.
        """
        if not tasks:
            return []
        columns = ", ".join(f"`{field.name}` {_SPARK_TYPES[field.type]}" for field in schema)
        try:
            frame = self._spark.range(0, tasks, 1, tasks).mapInArrow(work, columns)
            return [row.asDict() for row in frame.collect()]
        except Exception as error:
            raise _rewritten(error) from None


class InProcess:
    """The same in this process, task by task: what is few needs no cluster."""

    def map(self, work: Work, tasks: int, schema: pa.Schema) -> list[dict[str, Any]]:
        """As of `Cluster`."""
        batches = (pa.RecordBatch.from_pydict({"id": [task]}) for task in range(tasks))
        try:
            return [row for batch in work(batches) for row in batch.to_pylist()]
        except TaskFailed as error:
            raise PermanentError(str(error).removeprefix(f"{MARK} ")) from None


def _rewritten(error: Exception) -> PermanentError | TransientError:
    """An error without Spark's text, which may hold data."""
    if found := _SENTENCE.search(str(error)):
        return PermanentError(found[1])
    return TransientError(
        f"Spark did not finish the work ({type(error).__name__}); see its logs, then run the command "
        "again, which continues where it was."
    )
