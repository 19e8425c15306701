"""Time the marts over coherent messages: all made, nothing changed, one query.

    python -m benchmarks.marts_scale FOLDER HOME

FOLDER is what `synth --scenarios` wrote. A patient sends six messages, more or less: 170,000 patients
are a million messages. Each step is a process of its own, start and exit included. Prints JSON: the
seconds of the first publication, `figures` beside it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.measure import last_json
from benchmarks.workloads import CLI

QUERY = "select encounter_status, count(*) as encounters from mart.encounter group by all"
ROWS = ("mart.patient", "mart.encounter", "mart.lab_result")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("home", type=Path)
    given = parser.parse_args(arguments)
    print(json.dumps(measure(given.folder, given.home)))


def measure(messages: Path, home: Path) -> dict[str, object]:
    """Load what happened, then the replies, which come in envelopes; publish twice, ask once."""
    folders: dict[str, tuple[str, ...]] = {"events": (), "replies": ("--unwrap", "body")}
    told = [
        run(home, "load", "--json", str(messages / name), *options)
        for name, options in folders.items()
        if any(messages.glob(f"{name}/*"))  # a few patients get no replies
    ]
    seconds, _ = run(home, "publish")
    figures = {
        "load": sum(took for took, _ in told),
        "publish, nothing changed": run(home, "publish")[0],
        "one query of a mart": run(home, "sql", QUERY)[0],
    }
    rows = ", ".join(f"(select count(*) from {name}) as {name[5:]}" for name in ROWS)
    counts = json.loads(run(home, "sql", "--json", f"select {rows}")[1])
    return {
        "received": sum(last_json(printed)["received"] for _, printed in told),
        "seconds": seconds,
        "figures": figures,
        "rows": counts[0] if isinstance(counts, list) else counts,
    }


def run(home: Path, *arguments: str) -> tuple[float, str]:
    """Seconds of one command, and what it printed."""
    began = time.monotonic()
    command = [*CLI, "--home", str(home), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return time.monotonic() - began, done.stdout


if __name__ == "__main__":
    main()
