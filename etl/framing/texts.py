"""Texts: messages that are stored as text, such as a body that holds several, or a JSON string."""

from __future__ import annotations

from typing import Final

import msgspec

from etl.framing.frames import ITEM, join_batches
from etl.framing.items import ItemFramer
from etl.framing.visible import has_meta

_MOST_QUOTED: Final = 4
"""A text in a text in a text: an export of an export."""

_decode_text = msgspec.json.Decoder(str).decode


def split_messages(body: bytes) -> list[bytes]:
    """The messages in a body: an array of them, one in each line, or one after the other.

    A body that does not hold several messages, or one in brackets or quotes, comes back as it is.
    """
    for _ in range(_MOST_QUOTED):
        text = _unquoted(body)
        if text is None:
            break
        body = text
    framer = ItemFramer(0)
    found = join_batches([framer.feed(body), framer.finish()])
    items = [
        body[offset : offset + length]
        for offset, length in zip(found.offset.tolist(), found.length.tolist(), strict=True)
    ]
    if len(items) == 1 and found.kind[0] == ITEM and body.lstrip().startswith(b"["):
        return items
    is_message = [
        kind == ITEM and has_meta(item) for item, kind in zip(items, found.kind, strict=True)
    ]
    return items if sum(is_message) > 1 else [body]


def messages_in_string(item: bytes) -> list[bytes]:
    """The messages that a JSON string holds, the string itself where it holds none."""
    messages = split_messages(item) if item.startswith(b'"') else [item]
    return messages if any(map(has_meta, messages)) else [item]


def count_in_string(item: bytes) -> int:
    """How many messages an item holds that was not said to be in an envelope."""
    return len(messages_in_string(item)) if item.startswith(b'"') else 1


def _unquoted(body: bytes) -> bytes | None:
    """What a JSON string holds, None for anything else."""
    if not body.startswith(b'"'):
        return None
    try:
        return _decode_text(body).encode()
    except (msgspec.MsgspecError, ValueError):
        return None
