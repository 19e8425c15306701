"""Load odd files, many at a time, and account for every byte: `python -m tests.fuzz.files --files 100000`.

Works in blocks of 1,000 files, each in a home of its own. Every finished block appends a line to the
state file, so a run may be stopped at any time and resumes; figures add up over days. Files that
broke a promise are kept in the folder FILE.broken.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from etl.errors import RedoxWarehouseError
from etl.framing.form import frame
from etl.framing.segments import MAGIC
from etl.pipeline.load import open_loader
from etl.pipeline.sources import Sources
from etl.settings import Settings, read_settings
from etl.sources.seen import read_seen
from tests.fuzz.__main__ import read_figures
from tests.fuzz.odd_files import OddFile, make_file
from tests.growth import least_seconds
from tests.reference.framing import find_messages

SUBJECT = "files"
BLOCK = 1_000
GROWN_BYTES = (2**17, 2**21)
"""Sizes to which a file of each block is repeated: the time per byte must not grow with them."""
MOST_GROWTH = 3.0
_BETWEEN = b" \t\r\n\x0b\x0c,[]\0\x1e\x1a"
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


@dataclass(slots=True)
class Tally:
    """What a block was found to be; `broken` holds the promise that each broken file broke."""

    files: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    broken: dict[str, OddFile] = field(default_factory=dict)
    growth: float = 0.0


def main(given: list[str] | None = None) -> int:
    """Run, print the figures of all runs; 1 when any file broke a promise."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, default=10 * BLOCK, help="how many this time")
    parser.add_argument("--seed", default="1", help="another seed gives other files")
    parser.add_argument("--state", type=Path, default=Path(".fuzz/files.jsonl"))
    options = parser.parse_args(given)
    options.state.parent.mkdir(parents=True, exist_ok=True)
    known = read_figures(options.state, SUBJECT, options.seed)
    first = 1 + max((line["block"] for line in known), default=-1)
    for block in range(first, first + -(-options.files // BLOCK)):
        known.append(run_block(options.seed, block, options.state))
        print(summary(known[first:]), flush=True)
    print(f"all runs with seed {options.seed}: {summary(known)}")
    return 1 if any(line["broken"] for line in known) else 0


def run_block(seed: str, block: int, state: Path) -> dict[str, Any]:
    """Load one block and append its figures."""
    started = time.monotonic()
    tally = load_files([make_file(f"{seed}/{block}/{at}") for at in range(BLOCK)])
    line = {
        "subject": SUBJECT,
        "seed": seed,
        "block": block,
        "files": dict(tally.files),
        "bytes": tally.bytes,
        "outcomes": dict(tally.outcomes),
        "broken": dict(Counter(promise.partition(":")[0] for promise in tally.broken)),
        "growth": round(tally.growth, 2),
        "seconds": round(time.monotonic() - started, 2),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    keep_broken(state.with_name(f"{state.name}.broken"), f"{seed}-{block}", tally.broken)
    with state.open("a", encoding="utf-8") as out:
        out.write("\n" + json.dumps(line))  # a torn line before it stays a line of its own
    return line


def load_files(files: list[OddFile]) -> Tally:
    """Load files into a new home and check what became of each of them."""
    tally = Tally(Counter(one.kind for one in files), sum(len(one.content) for one in files))
    with tempfile.TemporaryDirectory() as folder:
        settings = read_settings(Path(folder) / "home")
        paths = _write(files, Path(folder) / "files")
        if _load(settings, list(paths.values()), paths, tally):
            _account(settings, paths, tally)
    tally.growth = _growth(files[0])
    if tally.growth > MOST_GROWTH:
        tally.broken["time grows faster than size: 0"] = files[0]
    return tally


def _write(files: list[OddFile], folder: Path) -> dict[OddFile, Path]:
    folder.mkdir()
    paths = {}
    for at, one in enumerate(files):
        paths[one] = folder / f"{at:06}.json"
        paths[one].write_bytes(one.content)
    return paths


def _load(settings: Settings, paths: list[Path], files: dict[OddFile, Path], tally: Tally) -> bool:
    """Load all files at once; where that breaks, find out which file it was."""
    refused: dict[str, str] = {}
    try:
        with open_loader(settings) as loader:
            listed = Sources(settings.buckets, home=settings.home).list([str(p) for p in paths])
            summary = loader.load_sources(
                listed,
                unwrap="",
                in_place=False,
                refused=lambda source, fault: refused.update({source.uri: str(fault)}),
            )
    except Exception as error:  # a fuzzer wants to know of each
        if len(paths) == 1:
            one = next(one for one, path in files.items() if path == paths[0])
            tally.broken[f"{_named(error)}: {paths[0].stem}"] = one
            return False
        for path in paths:
            single = read_settings(settings.home.with_name(f"home-{path.stem}"))
            _load(single, [path], files, tally)
        return False
    tally.outcomes += Counter(
        received=summary.received,
        loaded=summary.loaded,
        duplicate=summary.duplicate,
        quarantined=summary.quarantined,
        refused=len(refused),
    )
    return True


def _named(error: Exception) -> str:
    return (
        "stops all others"
        if isinstance(error, RedoxWarehouseError)
        else f"raises {type(error).__name__}"
    )


def _account(settings: Settings, files: dict[OddFile, Path], tally: Tally) -> None:
    """Find what became of every byte of every landed object, without the ledger's own sums."""
    outcomes = _outcomes(settings)
    known = {
        hashlib.sha256(part).hexdigest(): one for one in files for part in (one.text, one.content)
    }
    seen = {entry.uri for entry in read_seen(settings.seen_path)}
    for one, path in files.items():
        if str(path) not in seen:
            tally.broken[f"a file without a trace: {path.stem}"] = one
    with open_loader(settings) as loader:
        for object_id in loader.landing.object_ids():
            size_bytes = loader.landing.describe(object_id).size_bytes
            kept = loader.landing.read(object_id, 0, size_bytes)
            items = loader.landing.items(object_id)
            spans = list(zip(items.offset.tolist(), items.length.tolist(), strict=True))
            one = known.get(object_id, OddFile("a part of a file", kept, kept))
            tally.outcomes["objects"] += 1
            tally.outcomes["unaccounted bytes"] += _unaccounted_bytes(kept, spans)
            tally.outcomes["files with a message not found"] += _misses_a_message(one, kept, spans)
            if promise := _broken_promise(object_id, kept, spans, outcomes[object_id]):
                tally.broken[f"{promise}: {object_id}"] = one


def _outcomes(settings: Settings) -> dict[str, Counter[int]]:
    """Items of each landed object that have an outcome, with how many they have."""
    found: dict[str, Counter[int]] = defaultdict(Counter)
    query = " union all ".join(
        f"select object_id, item from core.{table}"
        for table in ("message", "quarantine", "duplicate_delivery")
    )
    with duckdb.connect(str(settings.warehouse_path), read_only=True) as connection:
        for object_id, item in connection.execute(query).fetchall():
            found[object_id][item] += 1
    return found


def _broken_promise(
    object_id: str, kept: bytes, spans: list[tuple[int, int]], outcomes: Counter[int]
) -> str:
    """Return what is wrong with the account of an object, "" when nothing is."""
    if hashlib.sha256(kept).hexdigest() != object_id:
        return "other bytes are kept"
    if outcomes != Counter(range(len(spans))):
        return "an item without exactly one outcome"
    return "bytes in no item" if _unaccounted_bytes(kept, spans) else ""


def _unaccounted_bytes(kept: bytes, spans: list[tuple[int, int]]) -> int:
    """How many bytes are in no item, in two items, or between items and no separator."""
    rest, at, twice = [], 0, 0
    for offset, length in spans:
        twice += max(0, at - offset)
        rest.append(kept[at:offset])
        at = offset + length
    rest.append(kept[at:])
    is_segment = MAGIC.startswith(kept[: len(MAGIC)])  # its framer counts headers and torn ends
    return twice + (0 if is_segment else len(_strip_separators(b"".join(rest))))


def _strip_separators(rest: bytes) -> bytes:
    """Take away what may stand between messages: separators and marks of the order of bytes."""
    for mark in _MARKS:
        rest = rest.replace(mark, b"")
    return rest.translate(None, _BETWEEN)


def _misses_a_message(one: OddFile, kept: bytes, spans: list[tuple[int, int]]) -> bool:
    """True if the slow reference finds a message in plain text that is no item."""
    if one.kind not in ("text", "overwritten text"):
        return False
    items = Counter(kept[offset : offset + length] for offset, length in spans)
    return bool(Counter(find_messages(kept)) - items)


def _growth(one: OddFile) -> float:
    """How much more time a byte takes in a long file than in a short one."""
    short, long = (_grown(one.text, size) for size in GROWN_BYTES)
    return _seconds_per_byte(long) / min(_seconds_per_byte(short) for _ in range(2))


def _grown(text: bytes, size: int) -> bytes:
    return (text + b"\n") * (1 + size // (len(text) + 1))


def _seconds_per_byte(content: bytes) -> float:
    return least_seconds(lambda: list(frame(_chunks(content))), tries=1) / len(content)


def _chunks(content: bytes) -> Iterator[bytes]:
    return (content[at : at + 2**20] for at in range(0, len(content), 2**20))


def keep_broken(folder: Path, name: str, broken: dict[str, OddFile]) -> None:
    """Keep the files that broke a promise, and which one."""
    for number, (promise, one) in enumerate(broken.items()):
        folder.mkdir(exist_ok=True)
        (folder / f"{name}-{number}.bin").write_bytes(one.content)
        with (folder / "promises.txt").open("a", encoding="utf-8") as out:
            out.write(f"{name}-{number}.bin ({one.kind}): {promise}\n")


def summary(lines: list[dict[str, Any]]) -> str:
    """The figures of many blocks in one line."""
    outcomes: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    for line in lines:
        outcomes += Counter(line["outcomes"])
        broken += Counter(line["broken"])
    files = sum(sum(line["files"].values()) for line in lines)
    size, seconds = (sum(line[name] for line in lines) for name in ("bytes", "seconds"))
    growth = max((line["growth"] for line in lines), default=0.0)
    told = ", ".join(f"{number:,} {name}" for name, number in sorted(outcomes.items()))
    found = "; ".join(f"{number} x {promise}" for promise, number in broken.most_common())
    return (
        f"{files:,} files, {size / 1e6:,.0f} MB, {seconds:,.0f} s; {told}; "
        f"time per byte at 16 times the size: at most {growth:.1f} times; broken: {found or 'none'}"
    )


if __name__ == "__main__":
    sys.exit(main())
