"""Opens items: from the bytes of an item to the message in them, by the recipe of its object.

Framing, which finds the items, is told here what of the recipe it depends on.
"""

from __future__ import annotations

from dataclasses import dataclass

from etl.conform.exact_json import Unreadable, parse_exact
from etl.encodings import MARK_BYTES, UNIT_BYTES, known_encoding, marked_encoding, to_utf8
from etl.ingest.envelope import BadEnvelope, unwrap
from etl.ingest.recipe import Recipe
from etl.landing.framing import ContentFramer
from etl.landing.store import PLAIN, Form, Landing, LandingReader
from etl.pipeline.units import Run

__all__ = ["ItemOpener", "Opened", "Recipe", "form_of", "known_encoding", "opener_of"]


@dataclass(frozen=True, slots=True)
class Opened:
    """The message of an item in UTF-8 and when it was received; or the reason why there is none."""

    body: bytes
    received_us: int
    reason: str = ""


class ItemOpener:
    """Opens the items of one object; without a recipe they are messages in UTF-8."""

    def __init__(self, recipe: Recipe, encoding: str, *, max_depth: int) -> None:
        self._recipe = recipe
        self._encoding = encoding
        self._max_depth = max_depth

    def decode(self, received: bytes) -> bytes:
        """The text of an item in UTF-8."""
        return to_utf8(received, self._encoding) if self._encoding else received

    def open(self, text: bytes, received_us: int) -> Opened:
        """The message in the text of an item."""
        if not self._recipe.unwrap:
            return Opened(text, received_us)
        try:
            envelope = unwrap(text, self._recipe.unwrap)
        except BadEnvelope:
            return Opened(b"", received_us, self._reason_of_row(text))
        if envelope.received_at is not None:
            received_us = int(envelope.received_at.timestamp() * 1_000_000)
        return Opened(envelope.body, received_us)

    def _reason_of_row(self, text: bytes) -> str:
        """Why a row is not an envelope: it is not a JSON object, or has no message under the key."""
        try:
            row = parse_exact(text, max_depth=self._max_depth)
        except Unreadable as unreadable:
            return unreadable.reason
        return "bad_envelope" if isinstance(row, dict) else "not_object"


def form_of(recipe: Recipe) -> Form:
    """How sources are framed whose items are read by a recipe."""
    encoding = recipe.encoding
    if encoding in UNIT_BYTES:
        return Form(f"encoding {encoding}", lambda: ContentFramer(encoding))
    return PLAIN


def opener_of(run: Run, reader: LandingReader, *, max_depth: int) -> ItemOpener | None:
    """The opener that the items of a run need; None where they are messages as they are."""
    recipe = Recipe.from_text(run.unwrap)
    encoding = encoding_of(run, reader) or recipe.encoding
    if not (recipe.unwrap or encoding):
        return None
    return ItemOpener(recipe, encoding, max_depth=max_depth)


def encoding_of(run: Run, reader: LandingReader) -> str:
    """The encoding that the mark of an object names, "" where it has none."""
    known_bytes = int(run.offset[-1] + run.length[-1]) if len(run) else 0
    return marked_encoding(reader.read(0, min(MARK_BYTES, known_bytes)))


def open_received(
    landing: Landing, object_id: str, item: int, recipe: str, *, with_envelope: bool
) -> bytes:
    """The bytes of a loaded item as received, without their envelope unless it is asked for."""
    place = landing.items(object_id, item, item + 1)
    received = landing.read(object_id, int(place.offset[0]), int(place.length[0]))
    read = Recipe.from_text(recipe)
    if with_envelope or not read.unwrap:
        return received
    head = landing.read(object_id, 0, min(MARK_BYTES, int(place.offset[0] + place.length[0])))
    encoding = marked_encoding(head) or read.encoding
    return unwrap(to_utf8(received, encoding) if encoding else received, read.unwrap).body
