"""Opens items: from the bytes of an item to the messages in it, by the recipe of its object.

Framing, which finds the items, is told here what of the recipe it depends on: an item that holds
several messages is followed by one item without bytes for each further message, its parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from etl.conform.exact_json import Unreadable, parse_exact
from etl.encodings import MARK_BYTES, UNIT_BYTES, known_encoding, marked_encoding, to_utf8
from etl.ingest.envelope import BadEnvelope, unwrap_all
from etl.ingest.recipe import Recipe
from etl.landing.framing import ContentFramer
from etl.landing.items import Parts
from etl.landing.places import Place
from etl.landing.store import PLAIN, Form, Landing, LandingReader
from etl.landing.texts import messages_in_string, split_messages
from etl.pipeline.units import Run

__all__ = [
    "ItemOpener",
    "Opened",
    "Recipe",
    "encoding_of",
    "form_of",
    "known_encoding",
    "opener_of",
]

BAD_ENVELOPE: Final = "bad_envelope"
_ANY_DEPTH: Final = 2**30


@dataclass(frozen=True, slots=True)
class Opened:
    """A message in UTF-8 and when it was received, None where nothing says it; or why there is none."""

    body: bytes
    received_at: datetime | None = None
    reason: str = ""

    def received_us(self, otherwise: int) -> int:
        """When it was received, in microseconds UTC."""
        if self.received_at is None:
            return otherwise
        return int(self.received_at.timestamp() * 1_000_000)


class ItemOpener:
    """Opens the items of one object; without a recipe they are messages in UTF-8."""

    def __init__(self, recipe: Recipe, encoding: str, *, max_depth: int) -> None:
        self._recipe = recipe
        self._encoding = encoding
        self._max_depth = max_depth

    def decode(self, received: bytes) -> bytes:
        """The text of an item in UTF-8."""
        return to_utf8(received, self._encoding) if self._encoding else received

    def open(self, text: bytes) -> list[Opened]:
        """The messages in the text of an item, at least one."""
        if not self._recipe.unwrap:
            return [Opened(message) for message in messages_in_string(text)]
        try:
            return messages_under(text, self._recipe.unwrap)
        except BadEnvelope:
            return [Opened(b"", reason=self._reason_of_row(text))]

    def _reason_of_row(self, text: bytes) -> str:
        """Why a row is not an envelope: it is not a JSON object, or has no message under the key."""
        try:
            row = parse_exact(text, max_depth=self._max_depth)
        except Unreadable as unreadable:
            return unreadable.reason
        return BAD_ENVELOPE if isinstance(row, dict) else "not_object"


def messages_under(text: bytes, key: str) -> list[Opened]:
    """The messages under the key of an envelope. Raises BadEnvelope where nothing is."""
    found: list[Opened] = []
    for envelope in unwrap_all(text, key):
        if envelope is None:
            found.append(Opened(b"", reason=BAD_ENVELOPE))
            continue
        bodies = split_messages(envelope.body)
        found += [Opened(body, envelope.received_at) for body in bodies]
    return found


def count_under(text: bytes, *, key: str, encoding: str) -> int:
    """How many messages are under the key of an envelope, one where it is none."""
    try:
        return len(messages_under(to_utf8(text, encoding) if encoding else text, key))
    except BadEnvelope:
        return 1


def form_of(recipe: Recipe) -> Form:
    """How sources are framed whose items are read by a recipe."""
    wide = recipe.encoding if recipe.encoding in UNIT_BYTES else ""
    if not (recipe.unwrap or wide):
        return PLAIN
    if not recipe.unwrap:
        return Form(f"encoding {wide}", partial(ContentFramer, wide))
    of_bytes = "" if wide else recipe.encoding
    parts = Parts(partial(count_under, key=recipe.unwrap, encoding=of_bytes), in_all=True)
    return Form(recipe.to_text(), partial(ContentFramer, wide, parts))


def opener_of(run: Run, reader: LandingReader, *, max_depth: int) -> ItemOpener | None:
    """The opener that the items of a run need; None where they are messages as they are."""
    recipe = Recipe.from_text(run.unwrap)
    known_bytes = int(run.offset[-1] + run.length[-1]) if len(run) else 0
    encoding = encoding_of(reader, known_bytes) or recipe.encoding
    if not (recipe.unwrap or encoding):
        return None
    return ItemOpener(recipe, encoding, max_depth=max_depth)


def encoding_of(reader: LandingReader, known_bytes: int) -> str:
    """The encoding that the mark of an object names, "" where it has none."""
    return marked_encoding(reader.read(0, min(MARK_BYTES, known_bytes)))


def text_of_item(landing: Landing, object_id: str, item: int, recipe: str) -> bytes:
    """The bytes that hold an item, in UTF-8."""
    received, _, opener = _read_item(landing, object_id, item, recipe)
    return opener.decode(received)


def open_received(
    landing: Landing, object_id: str, item: int, recipe: str, *, with_envelope: bool
) -> bytes:
    """The bytes of a loaded item as received, without their envelope unless it is asked for."""
    received, place, opener = _read_item(landing, object_id, item, recipe)
    is_message = not Recipe.from_text(recipe).unwrap and not received.startswith(b'"')
    if with_envelope or is_message:
        return received
    return opener.open(opener.decode(received))[place.part].body


def _read_item(
    landing: Landing, object_id: str, item: int, recipe: str
) -> tuple[bytes, Place, ItemOpener]:
    place = landing.place_of(object_id, item)
    reader = landing.open_reader(object_id)
    try:
        received = reader.read(place.offset, place.length)
        mark = encoding_of(reader, place.offset + place.length)
    finally:
        reader.close()
    read = Recipe.from_text(recipe)
    return received, place, ItemOpener(read, mark or read.encoding, max_depth=_ANY_DEPTH)
