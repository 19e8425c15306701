"""Opens items: from the bytes of an item to the messages in it, by the recipe of its object.

Framing, which finds the items, is told here what of the recipe it depends on: an item that holds
several messages is followed by one item without bytes for each further message, its parts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from etl.conform.exact_json import Unreadable, parse_exact
from etl.encodings import MARK_BYTES, UNIT_BYTES, known_encoding, marked_encoding, to_utf8
from etl.framing.columnar import MAGIC as PARQUET
from etl.framing.delimited import Layout, read_layout
from etl.framing.form import ContentFramer
from etl.framing.items import Parts
from etl.framing.texts import messages_in_string, split_messages
from etl.landing.store import PLAIN, Form, Landing, LandingReader
from etl.pipeline.units import Run
from etl.sources.envelope import BadEnvelope, json_in_base64, unwrap_all
from etl.sources.envelope_times import instant_of
from etl.sources.recipe import Recipe

__all__ = [
    "ItemOpener",
    "Opened",
    "Recipe",
    "form_of",
    "known_encoding",
    "opener_of",
]

BAD_ENVELOPE: Final = "bad_envelope"
BAD_ROW: Final = "bad_row"


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
    """Opens the items of one object; without a recipe they are messages in UTF-8.

    `layout` is that of a delimited table whose rows are the items.
    """

    def __init__(
        self, recipe: Recipe, encoding: str, *, max_depth: int, layout: Layout | None = None
    ) -> None:
        self._recipe = recipe
        self._encoding = encoding
        self._max_depth = max_depth
        self._layout = layout

    @property
    def is_of_table(self) -> bool:
        """True if the items are rows."""
        return bool(self._recipe.column)

    def decode(self, received: bytes) -> bytes:
        """The text of an item in UTF-8."""
        return to_utf8(received, self._encoding) if self._encoding else received

    def open(self, text: bytes) -> list[Opened]:
        """The messages in the text of an item, at least one."""
        if self._layout is not None:
            body, received_at = self._layout.read_row(text) or (b"", b"")
            return self.open_cell(body, received_at.decode("utf-8", "replace"))
        if self._recipe.unwrap:
            return self._open_envelope(text)
        return [Opened(message) for message in messages_in_string(text)]

    def open_cell(self, body: bytes, received_at: Any) -> list[Opened]:
        """The messages in a field of a table, and when its row says they were received."""
        if not body:
            return [Opened(b"", reason=BAD_ROW)]
        instant = instant_of(received_at)
        opened = self._open_envelope(body) if self._recipe.unwrap else open_body(body)
        return [one if one.received_at else replace(one, received_at=instant) for one in opened]

    def _open_envelope(self, text: bytes) -> list[Opened]:
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


def open_body(body: bytes) -> list[Opened]:
    """The messages in a text that stands alone, base64 of them too."""
    return [Opened(message) for message in split_messages(json_in_base64(body) or body)]


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
    text = to_utf8(text, encoding) if encoding else text
    try:
        return len(messages_under(text, key)) if key else len(open_body(text))
    except BadEnvelope:
        return 1


def form_of(recipe: Recipe) -> Form:
    """How sources are framed whose items are read by a recipe."""
    wide = recipe.encoding if recipe.encoding in UNIT_BYTES else ""
    columns = (recipe.column, recipe.received_at) if recipe.column else None
    if not (recipe.unwrap or wide or columns):
        return PLAIN
    if not (recipe.unwrap or columns):
        return Form(f"encoding {wide}", partial(ContentFramer, wide))
    of_bytes = "" if wide else recipe.encoding
    parts = Parts(partial(count_under, key=recipe.unwrap, encoding=of_bytes), in_all=True)
    return Form(recipe.to_text(), partial(ContentFramer, wide, parts, columns))


def opener_of(
    run: Run, landing: Landing, reader: LandingReader, *, max_depth: int
) -> ItemOpener | None:
    """The opener that the items of a run need; None where they are messages as they are."""
    recipe = Recipe.from_text(run.unwrap)
    head = reader.read(0, min(MARK_BYTES, int(run.offset[-1] + run.length[-1]) if len(run) else 0))
    encoding = marked_encoding(head) or recipe.encoding
    if not (recipe.unwrap or encoding or recipe.column):
        return None
    layout = None
    if recipe.column and not is_columnar(reader):
        first = landing.items(run.object_id, 0, 1)
        header = reader.read(0, int(first.offset[0])) if len(first) else b""
        text = to_utf8(header, encoding) if encoding else header
        layout = read_layout(text, column=recipe.column, received_at=recipe.received_at)
    return ItemOpener(recipe, encoding, max_depth=max_depth, layout=layout)


def is_columnar(reader: LandingReader) -> bool:
    """True if an object is a Parquet file."""
    return reader.read(0, len(PARQUET)) == PARQUET
