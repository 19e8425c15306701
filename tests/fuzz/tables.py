"""Hostile messages through a real load: every loaded one has to come back equal from the tables.

    python -m tests.fuzz.tables --inputs 3000 --seed 1

Slower than fuzzing the reading (a warehouse for every thousand inputs), and further: outcome,
duplicates, rebuilt payload and the earlier values of repeated keys are compared with the slow
reference.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from etl.framing.segments import MAGIC, encode_record
from etl.pipeline.items import SEVERAL_MESSAGES
from etl.pipeline.load import load_paths
from etl.settings import read_settings
from etl.warehouse.connection import open_warehouse
from etl.warehouse.rebuild import rebuild_messages
from tests.fuzz.inputs import Input, inputs
from tests.packaged import packaged_plan
from tests.reference.classify import UNREADABLE, classify, holds_anything
from tests.reference.compare import differences
from tests.reference.json_text import Object, Value, parse
from tests.reference.shapes import Listed, read_listed

UNIT = 1_000
RECEIVED_US = 1_772_446_830_000_000
Fault = tuple[str, bytes]


def main(given: list[str] | None = None) -> int:
    """Load so many inputs, print what differs; 1 when anything does."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--inputs", type=int, default=UNIT)
    parser.add_argument("--seed", default="1", help="another seed gives other inputs")
    options = parser.parse_args(given)
    listed = read_listed()
    found: Counter[str] = Counter()
    for unit in range(-(-options.inputs // UNIT)):
        made = list(inputs(f"tables/{options.seed}/{unit}", listed, UNIT))
        for what, text in faults_of_load(made, listed):
            found[what] += 1
            if found[what] <= 3:
                print(f"{what}\n  {text!r}", flush=True)
        print(f"{UNIT * (unit + 1):,} inputs, differences: {dict(found) or 'none'}", flush=True)
    return 1 if found else 0


def faults_of_load(made: Sequence[Input], listed: Mapping[str, Listed]) -> Iterator[Fault]:
    """Load texts as one segment into a new home; each fault with its text."""
    with tempfile.TemporaryDirectory() as folder:
        settings = read_settings(Path(folder) / "home")
        segment = Path(folder) / "inputs.seg"
        records = (encode_record(RECEIVED_US, given.text) for given in made)
        segment.write_bytes(MAGIC + b"".join(records))
        load_paths(settings, [str(segment)])
        with open_warehouse(settings.warehouse_path, read_only=True) as connection:
            ids = dict(connection.execute("select item, message_id from core.message").fetchall())
            reasons = dict(
                connection.execute("select item, reason from core.quarantine").fetchall()
            )
            repeats = dict(
                connection.execute(
                    "select message_id, count(*) from core.unplaced_value "
                    "where reason = 'duplicate_key' group by 1"
                ).fetchall()
            )
            rebuilt = rebuild_messages(connection, packaged_plan(), list(ids.values()))
    limits = settings.load
    known: set[bytes] = set()
    for item, given in enumerate(made):
        said = classify(
            given.text, listed, max_depth=limits.max_depth, max_bytes=limits.max_message_bytes
        )
        reason = reasons.get(item, "")
        if said.reason or reason:
            if reason != said.reason and not {reason, said.reason} <= UNREADABLE | {
                SEVERAL_MESSAGES
            }:
                yield f"{reason or 'loaded'} for {said.reason or 'a message'}", given.text
        elif (item in ids) is (said.content in known):
            yield "loaded twice" if item in ids else "lost as a duplicate", given.text
        elif item in ids:
            payload = parse(given.text)
            number = ids[item]
            for difference in differences(payload, parse(rebuilt[number].encode())):
                yield difference.rpartition(": ")[2], given.text
            if repeats.get(number, 0) != sum(1 for _ in earlier_values(payload)):
                yield "another number of earlier values of repeated keys", given.text
        known.add(said.content)


def earlier_values(value: Value) -> Iterator[Value]:
    """The populated earlier values of repeated keys, anywhere in a value."""
    if isinstance(value, list):
        for item in value:
            yield from earlier_values(item)
    elif isinstance(value, Object):
        last = {key: place for place, (key, _) in enumerate(value.pairs)}
        for place, (key, inner) in enumerate(value.pairs):
            if last[key] != place and holds_anything(inner):
                yield inner
            yield from earlier_values(inner)


if __name__ == "__main__":
    sys.exit(main())
