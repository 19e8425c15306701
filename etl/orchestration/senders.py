"""Who sends: a check per source that it still does.

What is usual is taken from what each source did (`quality.source_silence`), not from a period that
somebody guessed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from etl.orchestration.boundary import told_to_dagster
from etl.orchestration.graph import ARRIVAL, SENDERS, Graph
from etl.orchestration.home import Home
from etl.queries.reliability_checks import Silence, read_silences
from etl.report.source_names import SourceLabel, short_id

CHECK_STEP = "check_senders"
MOST_SENDERS = 60
WITHOUT_ID = "without_id"


def senders_spec(graph: Graph) -> dg.AssetSpec:
    """Build the node of the senders, which nobody materializes: it carries the checks."""
    return graph.spec(
        SENDERS,
        "The sources (Meta.Source.ID) that this home has messages of. Each has a check that it "
        "has not fallen silent compared with its own last eight weeks, evaluated every day by the job "
        "senders. A new source appears when the definitions are reloaded.",
        group=ARRIVAL,
        kinds={"http"},
    )


def check_name(source: str, name: str = "") -> str:
    """Return the name of a source's check: of its name and short id, else of its id."""
    label = f"{name} {short_id(source)}" if name else source
    slug = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")
    return f"sends_{slug or WITHOUT_ID}"


def build_senders_check(graph: Graph) -> dg.AssetChecksDefinition | None:
    """Build the checks of the sources that the home has seen, None where there are none yet."""
    names = graph.habits.source_names
    by_name = {
        check_name(source, names.get(source, "")): source
        for source in graph.habits.sources[:MOST_SENDERS]
    }
    if not by_name:
        return None
    specs = [
        dg.AssetCheckSpec(
            name,
            asset=SENDERS,
            description=f"{_shown(source, names)} has not been silent for longer than it ever was in its last "
            "eight weeks, and so unlikely by its own weekdays",
        )
        for name, source in by_name.items()
    ]

    @dg.multi_asset_check(name=CHECK_STEP, specs=specs, can_subset=True)
    def check_senders(
        context: dg.AssetCheckExecutionContext, home: Home
    ) -> Iterator[dg.AssetCheckResult]:
        settings = home.read_settings()
        with told_to_dagster(context.op_execution_context, settings):
            silences = read_silences(settings)
            for name, source in by_name.items():
                if dg.AssetCheckKey(SENDERS, name) in context.selected_asset_check_keys:
                    own = [silence for silence in silences if silence.source_id == source]
                    yield _result(name, _shown(source, names), own)

    return check_senders


def _result(name: str, shown: str, silences: Sequence[Silence]) -> dg.AssetCheckResult:
    sentences = "; ".join(silence.sentence for silence in silences)
    return dg.AssetCheckResult(
        asset_key=SENDERS,
        check_name=name,
        passed=not silences,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{sentences}. Ask the sender, and see `redox-warehouse doctor` for the webhook."
        if silences
        else f"{shown} sends as usual.",
        metadata={"silent_days": max((silence.silent_days for silence in silences), default=0)},
    )


def _shown(source: str, names: Mapping[str, str]) -> str:
    return SourceLabel(source, names.get(source, "")).text or "The source without an ID"
