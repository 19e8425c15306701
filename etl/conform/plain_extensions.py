"""Reads Extensions in their usual form, without the exact way's objects for each value.

Usual are objects of typed values, without escapes and repeated keys; anything else is left to
`put_extensions_aside`, whose result this is in a third of the time.
"""

from __future__ import annotations

import msgspec

from etl.conform.conformer import EXTENSION, EXTENSIONS, Ordinals, PutAside, child_path
from etl.conform.exact_json import is_populated, parse_exact, to_json
from etl.records import Extension, Finding

_DECODER = msgspec.json.Decoder(dict[str, dict[str, msgspec.Raw]])
_JSON_TYPES = {ord("t"): "boolean", ord("f"): "boolean"}
_NOTHING = {b"null", b'""'}
_NESTED = (ord("{"), ord("["))
_QUOTE = ord('"')


def put_plain_extensions(
    raw: bytes, owner: str, ordinals: Ordinals, aside: PutAside, *, max_depth: int
) -> bool:
    """Put the valid JSON text of an object's Extensions aside; False, and nothing put, if unusual."""
    if b"\\" in raw:
        return False
    try:
        extensions = _DECODER.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    if not _is_usual(raw, extensions):
        return False
    for slug, typed in extensions.items():
        url = _url(typed)
        is_empty = True
        for value_type, value in typed.items():
            if value_type == "url":
                continue
            found = _read_value(bytes(value), owner, ordinals, aside, max_depth)
            if found is not None:
                is_empty = False
                aside.extensions.append(
                    Extension(owner, ordinals, slug, value_type, found[0], url, found[1])
                )
                aside.findings.append(Finding(EXTENSION, owner, ordinals))
        if url and is_empty:
            aside.extensions.append(Extension(owner, ordinals, slug, "", "", url, ""))
    return True


def _is_usual(raw: bytes, extensions: dict[str, dict[str, msgspec.Raw]]) -> bool:
    """Each key once, none empty, each url a text: a key that was repeated has left its quotes."""
    keys, quotes = len(extensions), 0
    for typed in extensions.values():
        keys += len(typed)
        if "" in typed:
            return False
        for name, value in typed.items():
            text = bytes(value)
            quotes += text.count(b'"')
            if name == "url" and text[0] != _QUOTE and text != b"null":
                return False
    return 2 * keys + quotes == raw.count(b'"')


def _url(typed: dict[str, msgspec.Raw]) -> str:
    url = bytes(typed.get("url", b"null"))
    return url[1:-1].decode() if url[0] == _QUOTE else ""


def _read_value(
    text: bytes, owner: str, ordinals: Ordinals, aside: PutAside, max_depth: int
) -> tuple[str, str] | None:
    """JSON type and text of a populated value."""
    if text in _NOTHING:
        return None
    if text[0] == _QUOTE:
        return "string", text[1:-1].decode()
    if text[0] not in _NESTED:
        return _JSON_TYPES.get(text[0], "number"), text.decode()
    value = parse_exact(text, max_depth=max_depth)
    aside.keep_repeated(child_path(owner, EXTENSIONS), ordinals, value)
    return ("json", to_json(value)) if is_populated(value) else None
