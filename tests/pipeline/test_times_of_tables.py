"""Times of rows: a column of a table says when its messages were received, however it says it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.pipeline.command import CommandLine
from tests.pipeline.small_messages import make_message

INSTANT = datetime(2026, 3, 2, 10, 20, 30, 123456, tzinfo=UTC)
SECONDS = datetime(2026, 3, 2, 10, 20, 30, tzinfo=UTC)
MILLISECONDS = datetime(2026, 3, 2, 10, 20, 30, 123000, tzinfo=UTC)
US = int(INSTANT.timestamp()) * 10**6 + 123456

# what the column holds, and the instant it is, None where it is none
TEXTS: list[tuple[str, datetime | None]] = [
    ("2026-03-02T10:20:30.123456Z", INSTANT),
    ("2026-03-02T10:20:30.123456+00:00", INSTANT),
    ("2026-03-02 04:20:30.123456-06:00", INSTANT),
    ("2026-03-02 04:20:30.123456-06", INSTANT),
    ("2026-03-02T04:20:30.123456-0600", INSTANT),
    ("2026-03-02 10:20:30.123456", INSTANT),
    ("2026-03-02 10:20:30.123456 UTC", INSTANT),
    ("2026-03-02 10:20:30", SECONDS),
    ("2026-03-02", datetime(2026, 3, 2, tzinfo=UTC)),
    (str(US // 10**6), SECONDS),
    (str(US // 10**3), MILLISECONDS),
    (str(US), INSTANT),
    (f"{US}789", INSTANT),
    (f"{US // 10**6}.123456", INSTANT),
    ("", None),
    ("yesterday", None),
    ("12", None),
]
NAIVE = INSTANT.replace(tzinfo=None)
CENTRAL = timezone(timedelta(hours=-6))
COLUMNS: list[tuple[pa.DataType, Any, datetime | None]] = [
    (pa.timestamp("s"), SECONDS.replace(tzinfo=None), SECONDS),
    (pa.timestamp("ms"), MILLISECONDS.replace(tzinfo=None), MILLISECONDS),
    (pa.timestamp("us"), NAIVE, INSTANT),
    (pa.timestamp("us", "UTC"), INSTANT, INSTANT),
    (pa.timestamp("us", "America/Chicago"), INSTANT.astimezone(CENTRAL), INSTANT),
    (pa.timestamp("ns", "UTC"), US * 1000 + 789, INSTANT),
    (pa.timestamp("ns"), US * 1000 + 789, INSTANT),
    (pa.date32(), date(2026, 3, 2), datetime(2026, 3, 2, tzinfo=UTC)),
    (pa.int64(), US // 10**6, SECONDS),
    (pa.int64(), US // 10**3, MILLISECONDS),
    (pa.int64(), US, INSTANT),
    (pa.float64(), (US // 1000) / 1000, MILLISECONDS),
    (pa.string(), "2026-03-02T10:20:30.123456Z", INSTANT),
    (pa.large_string(), "2026-03-02 10:20:30", SECONDS),
    (pa.bool_(), True, None),
    (pa.decimal128(20, 3), Decimal(US // 1000) / 1000, MILLISECONDS),
    (pa.timestamp("us", "Nowhere/Nothing"), US, INSTANT),
    (pa.timestamp("s"), 2**50, None),
    (pa.float64(), float("nan"), None),
    (pa.timestamp("us"), None, None),
]
LOAD = ("load", "--column", "payload", "--received-at", "created_at")


def texts(count: int) -> list[str]:
    return [json.dumps(make_message(f"t{number}")) for number in range(count)]


def received(command: CommandLine) -> list[datetime | None]:
    with duckdb.connect(str(command.home / "warehouse.duckdb"), read_only=True) as connection:
        rows = connection.execute(
            "select epoch_us(received_at) from core.message order by message_id"
        ).fetchall()
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return [None if us is None else epoch + timedelta(microseconds=us) for (us,) in rows]


@pytest.mark.parametrize("in_place", [(), ("--in-place",)])
def test_texts_of_a_column(command: CommandLine, tmp_path: Path, in_place: tuple[str, ...]) -> None:
    lines = ["payload\tcreated_at"]
    lines += [f"{text}\t{time}" for text, (time, _) in zip(texts(99), TEXTS, strict=False)]
    path = tmp_path / "export.tsv"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    assert command.run(*LOAD, *in_place, str(path)).code == 0
    assert received(command) == [instant for _, instant in TEXTS]


@pytest.mark.parametrize("in_place", [(), ("--in-place",)])
def test_columns_of_every_type(
    command: CommandLine, tmp_path: Path, in_place: tuple[str, ...]
) -> None:
    for number, ((kind, value, _), text) in enumerate(zip(COLUMNS, texts(99), strict=False)):
        table = pa.table({"payload": [text], "created_at": pa.array([value], kind)})
        pq.write_table(table, tmp_path / f"{number:02}.parquet")
    told = command.run(*LOAD, *in_place, str(tmp_path))
    assert told.code == 0, told.err
    assert received(command) == [instant for _, _, instant in COLUMNS]
    for number, text in enumerate(texts(len(COLUMNS))):
        assert command.run("show", str(number)).out == text


def test_a_parquet_file_that_moved_is_named_when_it_is_in_place(
    command: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / "export.parquet"
    pq.write_table(pa.table({"payload": texts(3), "created_at": [US] * 3}), path)
    assert command.run(*LOAD, "--in-place", str(path)).code == 0
    assert command.run("show", "1").out == texts(3)[1]
    path.unlink()
    told = command.run("show", "1")
    assert (told.code, "Traceback" in told.err) == (1, False)
    assert command.run("rebuild", "1").code == 0, "what is in the tables needs no source"
