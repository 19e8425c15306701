"""Where messages come from, as the graph shows it: what lies outside of Dagster's hands."""

from collections.abc import Iterator
from datetime import datetime

import dagster as dg

from etl.orchestration.graph import ARRIVAL, INCOMING, PULLED, SENDERS, WATCHED, Graph
from etl.orchestration.metadata import left_out_metadata
from etl.pipeline.watch import Waiting
from etl.settings import Settings

_NOTED = "how many wait (`waiting`, `bytes`), and for how long the oldest has (`oldest_s`)"


def arrival_specs(graph: Graph) -> list[dg.AssetSpec]:
    """What lies outside of Dagster's hands: segments that the webhook closes, watched files."""
    return [
        graph.spec(
            INCOMING,
            "Closed segments in HOME/incoming: what the webhook (`redox-warehouse receive`) "
            "acknowledged and what pulls handed over; the load deletes them once it has them. When "
            f"the sensor finds new ones it notes here {_NOTED}.",
            group=ARRIVAL,
            kinds={"http", "file"},
            deps=[PULLED, SENDERS],
        ),
        graph.spec(
            WATCHED,
            "Files and objects of buckets under `watch.paths`. When the sensor finds new or "
            f"replaced ones it notes here {_NOTED}.",
            group=ARRIVAL,
            kinds={"file", "s3"},
            deps=[SENDERS],
        ),
    ]


def observe_arrivals(
    settings: Settings, waiting: Waiting, now: datetime
) -> Iterator[dg.AssetObservation]:
    """How much waits and how long, by where it arrived."""
    inside = f"{settings.incoming_path}/"
    for key, is_incoming in ((INCOMING, True), (WATCHED, False)):
        own = [one for one in waiting.sources if one.uri.startswith(inside) == is_incoming]
        if own:
            oldest_ns = min(one.mtime_ns for one in own)
            metadata: dict[str, int | str] = {
                "waiting": len(own),
                "bytes": sum(one.size for one in own),
                "oldest_s": max(0, round(now.timestamp() - oldest_ns / 1e9)),
            }
            if waiting.unreadable and not is_incoming:
                metadata["cannot_look_at"] = "; ".join(waiting.unreadable)
            if not is_incoming:
                metadata |= left_out_metadata(waiting.left_out)
            yield dg.AssetObservation(key, metadata=metadata)
