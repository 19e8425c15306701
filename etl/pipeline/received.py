"""Received bytes of one item, and the messages in them: what `show` and `quarantine` print."""

from __future__ import annotations

from typing import Final

import numpy as np

from etl.framing.frames import BROKEN, ITEM, NO_TIME
from etl.framing.places import Place
from etl.landing.store import Landing, LandingReader
from etl.pipeline.items import ItemsOfRun
from etl.pipeline.opening import ItemOpener, opener_of
from etl.pipeline.units import Run
from etl.sources.recipe import Recipe

_ANY: Final = 2**30


def text_of_item(landing: Landing, object_id: str, item: int, recipe: str) -> bytes:
    """The bytes that hold an item, in UTF-8; of a table, the field."""
    place = landing.place_of(object_id, item)
    reader = landing.open_reader(object_id)
    try:
        items = _open(landing, reader, place, object_id, item, recipe)
        return items.text(0)
    finally:
        reader.close()


def received_item(landing: Landing, object_id: str, item: int, recipe: str) -> bytes:
    """The bytes that hold an item, exactly as received; of Parquet, the field."""
    place = landing.place_of(object_id, item)
    reader = landing.open_reader(object_id)
    try:
        return _open(landing, reader, place, object_id, item, recipe).received(0)
    finally:
        reader.close()


def open_received(
    landing: Landing, object_id: str, item: int, recipe: str, *, with_envelope: bool
) -> bytes:
    """The bytes of a loaded item as received, without their envelope unless it is asked for."""
    place = landing.place_of(object_id, item)
    reader = landing.open_reader(object_id)
    try:
        items = _open(landing, reader, place, object_id, item, recipe)
        received = items.received(0)
        read = Recipe.from_text(recipe)
        is_message = not (read.unwrap or read.column or received.startswith(b'"'))
        if with_envelope or is_message:
            return received
        return items.messages(0)[place.part].body
    finally:
        reader.close()


def _open(
    landing: Landing, reader: LandingReader, place: Place, object_id: str, item: int, recipe: str
) -> ItemsOfRun:
    """The item whose bytes hold the one that is asked for, as a run of its own."""
    run = Run(
        object_id=object_id,
        unwrap=recipe,
        fallback_day=0,
        first_item=item - place.part,
        offset=np.asarray([place.offset], np.int64),
        length=np.asarray([place.length], np.int64),
        kind=np.asarray([ITEM if place.length else BROKEN], np.int8),
        received_at_us=np.asarray([NO_TIME], np.int64),
    )
    opener = opener_of(run, landing, reader, max_depth=_ANY)
    opener = opener or ItemOpener(Recipe(), "", max_depth=_ANY)
    return ItemsOfRun(run, landing, reader, opener, max_bytes=_ANY)
