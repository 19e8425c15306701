"""Encodings of text: how bytes become UTF-8, and which encoding bytes that are not UTF-8 may have.

Decoding loses nothing: what an encoding has no character for becomes a lone surrogate, which is not
UTF-8 either, so the item it is in is refused instead of changed.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from etl.errors import UsageFault

UTF_16_LE, UTF_16_BE = "utf-16-le", "utf-16-be"
UTF_32_LE, UTF_32_BE = "utf-32-le", "utf-32-be"
UNIT_BYTES: Final = {UTF_16_LE: 2, UTF_16_BE: 2, UTF_32_LE: 4, UTF_32_BE: 4}
"""Bytes of a code unit in the encodings in which a brace is not the byte of a brace."""
_MARKS: Final = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (b"\xff\xfe\0\0", UTF_32_LE),
    (b"\0\0\xfe\xff", UTF_32_BE),
    (b"\xff\xfe", UTF_16_LE),
    (b"\xfe\xff", UTF_16_BE),
)
MARK_BYTES: Final = 4
_ZEROS: Final[dict[tuple[bool, ...], str]] = {  # of four bytes with which ASCII text begins
    (False, True, True, True): UTF_32_LE,
    (True, True, True, False): UTF_32_BE,
    (False, True, False, True): UTF_16_LE,
    (True, False, True, False): UTF_16_BE,
}
_UTF_8: Final = frozenset(("utf-8", "utf_8", "utf-8-sig", "ascii"))
_ESCAPED_BYTE, _UNKNOWN_UNIT = 0xDC00, "\udcff"
_SURROGATES: Final = range(0xD800, 0xE000)

BAD_UTF8: Final = "bad_utf8"
LIKELY_CP1252: Final = "likely_windows_1252"
_LIKELY_WIDE: Final = {2: "likely_utf_16", 4: "likely_utf_32"}
# Beside an ASCII letter: letters of Western Europe without Â, Ã and â, with which broken UTF-8 begins.
_LETTER: Final = rb"[\xc0\xc1\xc4-\xd6\xd8-\xe1\xe3-\xf6\xf8-\xfc\x8a\x8c\x8e\x9a\x9c\x9e]"
_SIGN: Final = rb"[\x80\x85\x91-\x97\x99\xa0\xa3\xa7\xa9\xab\xae\xb0-\xb3\xb5-\xb7\xb9-\xbd]"
_OF_CP1252 = re.compile(
    rb"(?<=[A-Za-z])%b|%b(?=[A-Za-z])|(?<![\x80-\xff])%b" % (_LETTER, _LETTER, _SIGN)
)
_HIGH = re.compile(rb"[\x80-\xff]")


def marked_encoding(head: bytes) -> str:
    """The encoding whose mark is first, "" when none of two or four bytes a unit does."""
    return next((encoding for mark, encoding in _MARKS if head.startswith(mark)), "")


def unmarked_encoding(head: bytes) -> str:
    """The encoding of two or four bytes a unit that text without a mark has, "" when it has none.

    Its first eight bytes show it; four may be a brace and zeros that something wrote over.
    """
    first, second = (tuple(byte == 0 for byte in head[at : at + 4]) for at in (0, 4))
    return _ZEROS.get(first, "") if second == first[: len(second)] else ""


def likely_encoding(raw: bytes) -> str:
    """The quarantine reason of text that is not UTF-8, or is UTF-16 or UTF-32 without a mark.

    "" when the bytes are UTF-8 and look like it.
    """
    wide = marked_encoding(raw[:MARK_BYTES]) or unmarked_encoding(raw)
    if wide:
        return _LIKELY_WIDE[UNIT_BYTES[wide]]
    if is_utf8(raw):
        return ""
    is_western = not _HIGH.search(_OF_CP1252.sub(b"", raw))
    return LIKELY_CP1252 if is_western else BAD_UTF8


def is_utf8(raw: bytes) -> bool:
    """True if the bytes are UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def known_encoding(name: str) -> str:
    """The encoding of a name, "" for UTF-8. Raises UsageFault for one that cannot be read.

    Those can be in which every ASCII byte is its character and every other byte one character, and
    UTF-16 and UTF-32.
    """
    try:
        found = codecs.lookup(name).name if name else ""
    except LookupError:
        found = "unknown"
    if found in _UTF_8 or not found:
        return ""
    if found in ("utf-16", "utf-32"):
        return f"{found}-le"
    if found in UNIT_BYTES or _is_of_single_bytes(found):
        return found
    raise UsageFault(
        "The encoding is unknown or not supported; name UTF-16, UTF-32 or one of single "
        "bytes such as cp1252, latin-1 or mac-roman, or convert the file to UTF-8."
    )


def _is_of_single_bytes(encoding: str) -> bool:
    """True where ASCII is ASCII, escapes stay as they are, and no byte swallows another."""
    plain = bytes(range(128)).replace(b"\\", b"") + b"\\n\\u0041"
    pairs = b"".join(bytes([byte, ord("A")]) for byte in range(128, 256))
    try:
        is_plain = plain.decode(encoding) == plain.decode("ascii")
        return is_plain and pairs.decode(encoding, "replace")[1::2] == "A" * 128
    except (LookupError, UnicodeError):
        return False


def to_utf8(raw: bytes, encoding: str) -> bytes:
    """The same text in UTF-8; one character that cannot be read becomes one lone surrogate.

    Text of single bytes that is UTF-8 already stays as it is: files are often of both.
    """
    if encoding not in UNIT_BYTES and is_utf8(raw):
        return raw
    return raw.decode(encoding, _KEEP).encode("utf-8", "surrogatepass")


def _keep_unit(error: UnicodeError) -> tuple[str, int]:
    """Stand a lone surrogate for the first unit that cannot be decoded, and go on behind it."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    size = UNIT_BYTES.get(error.encoding.lower().replace("_", "-"), 1)
    unit = bytes(error.object[error.start : error.start + size])
    return _surrogate(unit, error.encoding), error.start + size


def _surrogate(unit: bytes, encoding: str) -> str:
    if len(unit) == 1:
        return chr(_ESCAPED_BYTE + unit[0])
    value = int.from_bytes(unit, "big" if encoding.lower().endswith("be") else "little")
    return chr(value) if value in _SURROGATES else _UNKNOWN_UNIT


_KEEP: Final = "redox-warehouse-keep"
codecs.register_error(_KEEP, _keep_unit)
