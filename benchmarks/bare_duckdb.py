"""The contender to beat: DuckDB SQL that only parses and unnests into the tables, no checks at all.

    python -m benchmarks.bare_duckdb FILE DATABASE --script SCRIPT --threads 2

Imports nothing of ours; the statements come ready from `bare_sql`. A file of one data model is read
by read_json with explicit columns; of several, raw lines are split by Meta.DataModel and each
model's lines go through from_json. Measured and kept because faster: one transaction, tables only
where arrays have elements, two optimizers off, no insertion order. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import duckdb

# The largest message of a workload is some megabytes; the reader's buffers grow with this.
MAXIMUM_OBJECT_SIZE = 16 * 2**20
# Planning is a visible part of statements on wide structs; without these two it is shorter.
SETTINGS = (
    "set timezone = 'UTC'",
    "set preserve_insertion_order = false",
    "set disabled_optimizers = 'join_order, statistics_propagation'",
)
Json = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("database", type=Path)
    parser.add_argument("--script", type=Path, required=True)
    parser.add_argument("--model", default="", help="the only data model of the file")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    with duckdb.connect(str(given.database)) as connection:
        for setting in (*SETTINGS, f"set threads = {given.threads}"):
            connection.execute(setting)
        connection.execute("begin")
        load = BareLoad(connection, json.loads(given.script.read_text()))
        messages = load.one_model(given.file, given.model) if given.model else load.all(given.file)
        connection.execute("commit")
    print(json.dumps({"messages": messages}))


class BareLoad:
    """One file into one new database."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, models: dict[str, list[Json]]
    ) -> None:
        self.connection = connection
        self.models = models
        self._created: set[str] = set()
        self._temporary = 0
        self._stored = 0

    def one_model(self, file: Path, data_model: str) -> int:
        """Load a file of one data model (of one shape); gives the messages."""
        (group,) = self.models[data_model]
        columns = ", ".join(f"{name}: {text(kind)}" for name, kind in group["columns"].items())
        item = ", ".join(f'"{name}" := "{name}"' for name in group["columns"])
        self.connection.execute(
            f"create temp table parsed as select struct_pack({item}) as item from read_json("
            f"{text(str(file))}, format = 'newline_delimited', columns = {{{columns}}}, "
            f"maximum_object_size = {MAXIMUM_OBJECT_SIZE})"
        )
        self._store(group)
        return self._stored

    def all(self, file: Path) -> int:
        """Load a file of any data models; gives the messages."""
        self.connection.execute(f"create temp table raw as {raw_lines(file)}")
        found = self.connection.execute("select distinct data_model from raw").fetchall()
        for data_model in sorted(name for (name,) in found):
            for group in self.models[data_model]:
                self.connection.execute(
                    "create or replace temp table parsed as "
                    f"select {parsed_item(group)} as item from raw where {lines_of(data_model, group)}"
                )
                self._store(group)
        return self._stored

    def _store(self, group: Json) -> None:
        numbered = f"(select rowid + {self._stored} as message_id, item from parsed)"
        self._fill(group["grain"], numbered)
        row = self.connection.execute("select count(*) from parsed").fetchone()
        self._stored += row[0] if row else 0

    def _fill(self, grain: Json, source: str) -> None:
        for table in grain["tables"]:
            self._create(table)
            self.connection.execute(table["insert"].replace("$source", source))
        if not grain["arrays"]:
            return
        longest = self.connection.execute(grain["longest"].replace("$source", source)).fetchone()
        for array, length in zip(grain["arrays"], longest or (), strict=True):
            if length:
                self._fill_array(array, source)

    def _fill_array(self, array: Json, source: str) -> None:
        elements = array["elements"].replace("$source", source)
        if not array["arrays"]:
            self._fill(array, f"({elements})")
            return
        self._temporary += 1
        rows = f"elements_{self._temporary}"
        self.connection.execute(f"create temp table {rows} as {elements}")
        self._fill(array, rows)
        self.connection.execute(f"drop table {rows}")

    def _create(self, table: Json) -> None:
        if table["schema"] not in self._created:
            self.connection.execute(f"create schema {table['schema']}")
            self._created.add(table["schema"])
        if table["name"] not in self._created:
            self.connection.execute(table["create"])
            self._created.add(table["name"])


def raw_lines(file: Path) -> str:
    """A select of the lines of a file with the two values that tell how to read them."""
    return (
        "select json as line, json->>'$.Meta.DataModel' as data_model, "
        "json->>'$.Meta.EventType' as event_type "
        f"from read_json_objects({text(str(file))}, format = 'newline_delimited', "
        f"maximum_object_size = {MAXIMUM_OBJECT_SIZE})"
    )


def parsed_item(group: Json) -> str:
    """The expression that parses a line by a shape."""
    return f"from_json(line, {text(group['structure'])})"


def lines_of(data_model: str, group: Json) -> str:
    """The condition that selects the lines of a shape."""
    events = ", ".join(map(text, group["events"]))
    return f"data_model = {text(data_model)} and event_type in ({events})"


def text(value: str) -> str:
    """An SQL text."""
    return "'" + value.replace("'", "''") + "'"


if __name__ == "__main__":
    main()
