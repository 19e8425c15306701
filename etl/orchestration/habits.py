"""What the graph takes from the home when it is built: data models and sources seen, usual pauses.

Read from status.json and the published counts, never from the warehouse; a run gets what its server
had read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import duckdb

from etl.duckdb_files import connected
from etl.errors import PermanentError
from etl.pipeline.status import read_named_sources, read_status
from etl.publish.folders import PublishedFolder
from etl.settings import Settings

LEAST_DAYS = 7
_PAUSES = """
with active as (
    select data_model, day from read_parquet(?) where messages > 0 group by data_model, day
),

recent as (
    select data_model, day, day - lag(day) over (partition by data_model order by day) as pause
    from active
    qualify day > max(day) over (partition by data_model) - 56
)

select data_model, max(pause) from recent group by data_model having count(*) >= ?
"""


@dataclass(frozen=True, slots=True)
class Habits:
    """What a home has seen. `pause_days`: the longest pause of a data model in eight weeks.

    `source_names` has the name of each source that has one, by its id.
    """

    models: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    pause_days: Mapping[str, int] = field(default_factory=dict)
    source_names: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the habits as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Habits:
        """Return the habits of a text made by `to_json`."""
        values = json.loads(text)
        return cls(
            tuple(values["models"]),
            tuple(values["sources"]),
            values["pause_days"],
            values["source_names"],
        )

    def fresh_days(self, model: str, settings: Settings) -> float | None:
        """Return within how many days something new should come, None where nothing is known."""
        own = settings.orchestration.fresh_within_days
        usual = self.pause_days.get(model)
        return own.get(model, own.get("*", float(usual) if usual else 0.0)) or None


def read_habits(settings: Settings) -> Habits:
    """Return what the home has seen; nothing of a home that is new or damaged."""
    try:
        status = read_status(settings.status_path)
    except PermanentError:  # doctor says what to do; the graph shows what it can
        status = None
    if status is None:
        return Habits()
    return Habits(
        models=tuple(line["data_model"] for line in status["models"]),
        sources=tuple(line["source_id"] for line in status.get("sources", ())),
        pause_days=_pauses(settings),
        source_names=read_named_sources(settings.status_path),
    )


def _pauses(settings: Settings) -> dict[str, int]:
    folder = PublishedFolder(settings.published_path).current()
    files = sorted((folder / "quality" / "message_count").glob("*.parquet")) if folder else []
    if not files:
        return {}
    try:
        with connected(spill=None) as connection:
            parameters = [[str(file) for file in files], LEAST_DAYS]
            return dict(connection.execute(_PAUSES, parameters).fetchall())
    except duckdb.Error:  # a version that is just being removed
        return {}
