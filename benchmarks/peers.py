"""What the peers do, each called as its own documentation says. Imports nothing of ours.

    python benchmarks/peers.py CONTENDER FILE FOLDER --threads 2 [--script SCRIPT]

Reads an NDJSON file, may write into FOLDER, prints what it did as JSON. Run by the interpreter that
has the peer: benchmarks/.venv for dlt, pandas, redox and pysimdjson.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

CHUNK_MESSAGES = 1_000
MAXIMUM_OBJECT_SIZE = 16 * 2**20


def parse_orjson(given: argparse.Namespace) -> dict[str, int]:
    """Every message to Python objects."""
    import orjson

    return {"messages": sum(1 for line in lines(given) if orjson.loads(line) is not None)}


def parse_simdjson(given: argparse.Namespace) -> dict[str, int]:
    """Every message parsed and validated, no Python objects made: the floor."""
    import simdjson

    parser = simdjson.Parser()
    messages = 0
    for line in lines(given):
        document = parser.parse(line)
        messages += document is not None
        del document  # the parser is not free while one of its documents lives
    return {"messages": messages}


def validate_duckdb(given: argparse.Namespace) -> dict[str, int]:
    """DuckDB reads the lines and checks that they are JSON."""
    query = f"select count(*) from {_objects(given)} where json_valid(json)"
    return {"messages": _duckdb(given).execute(query).fetchall()[0][0]}


def parse_duckdb(given: argparse.Namespace) -> dict[str, int]:
    """DuckDB checks the lines and parses them into typed structs of the catalog; keeps nothing."""
    connection = _duckdb(given)
    connection.execute("set disabled_optimizers = 'statistics_propagation'")
    script = json.loads(given.script.read_text())
    known = [given.model] if given.model else list(script)
    messages = 0
    lines_of = "select json as line, json->>'$.Meta.DataModel' as data_model, "
    lines_of += f"json->>'$.Meta.EventType' as event_type from {_objects(given)}"
    if not given.model:
        connection.execute(f"create temp table raw as {lines_of}")
    for model in known:
        for group in script[model]:
            events = ", ".join(map(_text, group["events"]))
            source = f"({lines_of})" if given.model else "raw"
            row = connection.execute(
                f"select count(from_json(line, {_text(group['structure'])})) from {source} where "
                f"data_model = {_text(model)} and event_type in ({events}) and json_valid(line)"
            ).fetchall()[0]
            messages += row[0]
    return {"messages": messages}


def load_dlt(given: argparse.Namespace) -> dict[str, int]:
    """dlt's default normaliser into DuckDB, one root table per data model.

    Load files are Parquet: three times as fast here as the default, INSERT statements.
    """
    os.environ |= {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL",
                   "NORMALIZE__WORKERS": str(given.threads)}  # fmt: skip
    import dlt
    import orjson

    @dlt.resource(name="message", table_name=lambda message: message["Meta"]["DataModel"])
    def messages() -> Iterator[list[Any]]:
        for chunk in chunks(given):
            yield [orjson.loads(line) for line in chunk]

    pipeline = dlt.pipeline(
        "bench",
        destination=dlt.destinations.duckdb(str(given.folder / "dlt.duckdb")),
        dataset_name="messages",
        pipelines_dir=str(given.folder / "pipelines"),
    )
    pipeline.run(messages(), loader_file_format="parquet")
    counts = pipeline.last_trace.last_normalize_info.row_counts
    roots = {name: count for name, count in counts.items() if "__" not in name}
    return {"messages": sum(count for name, count in roots.items() if not name.startswith("_"))}


def normalize_pandas(given: argparse.Namespace) -> dict[str, int]:
    """json_normalize, one frame per data model; arrays stay Python lists in a column."""
    import orjson
    import pandas

    by_model: dict[str, list[Any]] = {}
    for line in lines(given):
        message = orjson.loads(line)
        by_model.setdefault(message["Meta"]["DataModel"], []).append(message)
    frames = [pandas.json_normalize(messages) for messages in by_model.values()]
    return {"messages": sum(map(len, frames))}


def validate_redox(given: argparse.Namespace) -> dict[str, float]:
    """Validate with the pydantic models of the redox package; parsing is orjson's.

    Importing the package takes seconds and is not validation: the times given are of the messages
    alone, after one of each event type.
    """
    import orjson
    from pydantic import ValidationError
    from redox.factory import redox_object_factory

    def is_refused(line: bytes) -> bool:
        try:
            redox_object_factory(orjson.loads(line))
        except (ValidationError, AttributeError):
            return True
        return False

    for line in {_kind(orjson.loads(line)): line for line in lines(given)}.values():
        is_refused(line)
    started, cpu_s = time.perf_counter(), time.process_time()
    refused = [is_refused(line) for line in lines(given)]
    return {
        "messages": len(refused),
        "refused": sum(refused),
        "seconds": time.perf_counter() - started,
        "cpu_s": time.process_time() - cpu_s,
    }


def _kind(message: dict[str, Any]) -> tuple[str, str]:
    return message["Meta"]["DataModel"], message["Meta"]["EventType"]


CONTENDERS: dict[str, Callable[[argparse.Namespace], Mapping[str, float]]] = {
    "orjson": parse_orjson,
    "simdjson": parse_simdjson,
    "duckdb_valid": validate_duckdb,
    "duckdb_parse": parse_duckdb,
    "dlt": load_dlt,
    "pandas": normalize_pandas,
    "redox": validate_redox,
}


def lines(given: argparse.Namespace) -> Iterator[bytes]:
    with given.file.open("rb") as file:
        yield from file


def chunks(given: argparse.Namespace) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    for line in lines(given):
        chunk.append(line)
        if len(chunk) == CHUNK_MESSAGES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _objects(given: argparse.Namespace) -> str:
    return (
        f"read_json_objects({_text(str(given.file))}, format = 'newline_delimited', "
        f"maximum_object_size = {MAXIMUM_OBJECT_SIZE})"
    )


def _duckdb(given: argparse.Namespace) -> Any:
    import duckdb

    return duckdb.connect(config={"threads": given.threads, "preserve_insertion_order": False})


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("contender", choices=CONTENDERS)
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--script", type=Path, help="what bare_sql compiled")
    parser.add_argument("--model", default="", help="the only data model of the file")
    given = parser.parse_args()
    print("\n" + json.dumps(CONTENDERS[given.contender](given)))


if __name__ == "__main__":
    main()
