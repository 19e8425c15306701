"""Messages in quarantine whose data model the catalog does not have: which models, which bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from etl.conform.unknown import UNKNOWN_MODEL
from etl.pipeline.load import Loader
from etl.pipeline.quarantine import SHOWN_MODEL, reading
from etl.pipeline.received import open_received

MOST_NAMES: Final = 20


def list_unknown_models(loader: Loader) -> list[str]:
    """The data models of open items that the catalog does not have, those that look like names."""
    query = (
        "select distinct data_model from core.quarantine where state = 'open' and reason = ? "
        f"and regexp_full_match(data_model, '{SHOWN_MODEL}') order by 1 limit {MOST_NAMES}"
    )
    with reading(loader) as connection:
        return [row[0] for row in connection.execute(query, [UNKNOWN_MODEL]).fetchall()]


def unknown_messages(loader: Loader, data_model: str, *, limit: int) -> Iterator[bytes]:
    """The newest open messages that name this data model: UTF-8, taken out of their envelopes."""
    query = (
        "select object_id, item, unwrap from core.quarantine join core.landed_object using (object_id) "
        "where state = 'open' and reason = ? and data_model = ? order by quarantine_id desc limit ?"
    )
    with reading(loader) as connection:
        rows = connection.execute(query, [UNKNOWN_MODEL, data_model, limit]).fetchall()
    for object_id, item, recipe in rows:
        yield open_received(loader.landing, object_id, item, recipe, with_envelope=False)
