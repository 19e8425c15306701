"""Cuts landed objects into pieces of at most one load, and pieces into units for the workers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from etl.landing.store import LandedObject, Landing
from etl.pipeline.records import Piece
from etl.pipeline.work import Unit, runs

UNIT_BYTES = 8 * 2**20
UNIT_ITEMS = 20_000
LOAD_ITEMS = 2_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cut_into_pieces(
    landing: Landing, landed: LandedObject, *, unwrap: str, start: int, load_bytes: int
) -> Iterator[tuple[Piece, int]]:
    """Parts of an object that fit into one load each, from item `start` on, with their bytes."""
    if landed.size_bytes <= load_bytes and landed.item_count <= LOAD_ITEMS:
        yield Piece(landed, unwrap, start, landed.item_count), landed.size_bytes
        return
    for first in range(start, landed.item_count, LOAD_ITEMS):
        stop = min(first + LOAD_ITEMS, landed.item_count)
        length = landing.items(landed.object_id, first, stop).length
        for a, b in runs(length, load_bytes, LOAD_ITEMS):
            yield Piece(landed, unwrap, first + a, first + b), int(length[a:b].sum())


def cut_into_units(landing: Landing, piece: Piece) -> Iterator[Unit]:
    """The piece in units of work."""
    items = landing.items(piece.object_id, piece.first_item, piece.stop_item)
    day = (piece.landed.landed_at - _EPOCH).days
    for start, stop in runs(items.length, UNIT_BYTES, UNIT_ITEMS):
        yield Unit(
            object_id=piece.object_id,
            unwrap=piece.unwrap,
            fallback_day=day,
            first_item=piece.first_item + start,
            offset=items.offset[start:stop],
            length=items.length[start:stop],
            kind=items.kind[start:stop],
            received_at_us=items.received_at_us[start:stop],
        )
