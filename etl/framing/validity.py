"""Validity: whether a candidate is one JSON value, so that the bytes after it can be trusted.

Kinder than a JSON parser exactly where a message has a quarantine reason of its own: NaN and
Infinity, bad UTF-8, lone surrogates, too deep. Such an item is framed, and the load says what it is.
"""

from __future__ import annotations

import re

import msgspec

WHITESPACE = b" \t\r\n"

_decoder = msgspec.json.Decoder(msgspec.Raw)
_STRING_OR_NUMBER_NAME = re.compile(
    rb'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"|-?Infinity|NaN'
)


def is_json_value(text: bytes) -> bool:
    """True if the bytes are exactly one JSON value, whitespace around it allowed."""
    if _is_strictly_valid(text):
        return True
    is_forgivable = any(odd in text for odd in (b"NaN", b"Infinity", b"\\u"))
    return is_forgivable and _is_strictly_valid(_blunt(text))


def _is_strictly_valid(text: bytes) -> bool:
    try:
        _decoder.decode(text)
    except RecursionError:  # deeper than any message; its brackets balance, the load refuses it
        return True
    except msgspec.DecodeError:
        return False
    return True


def _blunt(text: bytes) -> bytes:
    """Put an empty string for each well-formed string, and 0 for NaN and Infinity."""
    return _STRING_OR_NUMBER_NAME.sub(
        lambda found: b'""' if found[0].startswith(b'"') else b"0", text
    )
