"""Fuzz a subject against the slow reference: `python -m tests.fuzz --inputs 1000000 --state FILE`.

Works in blocks of 10,000 inputs, each with a seed of its own. Every finished block appends a line to
the state file, so a run may be stopped at any time and goes on where it was; figures add up over
days. Texts on which the two disagree are written to FILE.differences.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.fuzz.compare import Comparison, Difference
from tests.fuzz.inputs import inputs
from tests.fuzz.subjects import DEFAULT, SUBJECTS
from tests.reference.shapes import read_listed

BLOCK = 10_000


def main(given: list[str] | None = None) -> int:
    """Run, print the figures of all runs; 1 when there was any difference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--subject", choices=sorted(SUBJECTS), default=DEFAULT)
    parser.add_argument("--inputs", type=int, default=10 * BLOCK, help="how many this time")
    parser.add_argument("--seed", default="1", help="another seed gives other inputs")
    parser.add_argument("--state", type=Path, default=Path(".fuzz/figures.jsonl"))
    options = parser.parse_args(given)
    options.state.parent.mkdir(parents=True, exist_ok=True)
    known = read_figures(options.state, options.subject, options.seed)
    first = 1 + max((line["block"] for line in known), default=-1)
    comparison = Comparison(SUBJECTS[options.subject](), read_listed())
    for block in range(first, first + -(-options.inputs // BLOCK)):
        known.append(run_block(comparison, options.subject, options.seed, block, options.state))
        print(summary(known[first:]), flush=True)
    print(f"all runs of {options.subject} with seed {options.seed}: {summary(known)}")
    return 1 if any(line["differences"] for line in known) else 0


def run_block(
    comparison: Comparison, subject: str, seed: str, block: int, state: Path
) -> dict[str, Any]:
    """Compare one block and append its figures."""
    tally = comparison.tally = type(comparison.tally)()
    started = time.monotonic()
    comparison.run(inputs(f"{seed}/{block}", comparison.listed, BLOCK))
    line = {
        "subject": subject,
        "seed": seed,
        "block": block,
        "inputs": sum(tally.inputs.values()),
        "pairs": dict(tally.pairs),
        "differences": dict(tally.differences),
        "seconds": round(time.monotonic() - started, 2),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with state.open("a", encoding="utf-8") as out:
        out.write("\n" + json.dumps(line))  # a torn line before it stays a line of its own
    write_examples(state.with_name(f"{state.name}.differences"), tally.examples)
    return line


def read_figures(state: Path, subject: str, seed: str) -> list[dict[str, Any]]:
    """The figures of earlier blocks of a subject and seed; torn lines are left out."""
    lines = state.read_text("utf-8").splitlines() if state.exists() else []
    figures = [json.loads(line) for line in lines if line.endswith("}")]
    return [line for line in figures if (line["subject"], line["seed"]) == (subject, seed)]


def write_examples(path: Path, examples: list[Difference]) -> None:
    """Append differing texts, as JSON strings of their bytes in Latin-1."""
    if examples:
        with path.open("a", encoding="utf-8") as out:
            for found in examples:
                texts = {
                    "text": found.text.decode("latin-1"),
                    "other": found.other.decode("latin-1"),
                }
                out.write(json.dumps({"what": found.what, "kind": found.kind} | texts) + "\n")


def summary(lines: list[dict[str, Any]]) -> str:
    """The figures of many blocks in one line."""
    pairs: Counter[str] = Counter()
    differences: Counter[str] = Counter()
    for line in lines:
        pairs += Counter(line["pairs"])
        differences += Counter(line["differences"])
    count, seconds = sum(line["inputs"] for line in lines), sum(line["seconds"] for line in lines)
    found = "; ".join(f"{number} x {what}" for what, number in differences.most_common()) or "none"
    return (
        f"{count:,} inputs, {pairs['equal']:,} equal and {pairs['different']:,} different pairs, "
        f"{seconds:,.0f} s; differences: {found}"
    )


if __name__ == "__main__":
    sys.exit(main())
