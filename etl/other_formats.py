"""Tells files of other kinds by how they begin: what a folder of exports holds beside JSON.

JSON begins with none of these, so nothing that could be a message is told apart wrongly.
"""

from __future__ import annotations

from typing import Final

# What a file begins with, blanks left out: registered signatures of files that are not text ...
_BINARY: Final = (
    b"PK\x03\x04",  # ZIP, Office documents
    b"BZh",  # bzip2
    b"\xfd7zXZ",  # xz
    b"7z\xbc\xaf",  # 7-Zip
    b"Rar!",
    b"\x04\x22\x4d\x18",  # lz4
    b"\xff\x06\x00\x00sNaPpY",  # snappy
    b"PAR1",  # Parquet
    b"Obj\x01",  # Avro
    b"ORC",
    b"ARROW1",
    b"SQLite format",
    b"%PDF",
    b"\x89PNG",
    b"\xff\xd8\xff",  # JPEG
    b"II*\x00",  # TIFF
    b"MM\x00*",
    b"GIF8",
)
# ... and how other texts of health care begin, behind which messages may follow.
_TEXT: Final = (
    b"{\\rtf",
    b"<",  # XML, HTML
    b"MSH|",  # HL7 version 2, messages and batches
    b"FHS|",
    b"BHS|",
)
_LATER: Final = ((257, b"ustar"), (128, b"DICM"))  # tar, DICOM
HEAD_BYTES: Final = 512
_BLANKS: Final = b"\xef\xbb\xbf \t\r\n\x0b"


def is_other_format(head: bytes) -> bool:
    """True if bytes, of which these are the first, are a file of another kind than JSON."""
    return is_binary_format(head) or head.lstrip(_BLANKS).startswith(_TEXT)


def is_binary_format(head: bytes) -> bool:
    """True for the first HEAD_BYTES of a file of another kind that is not text: a message in it is not
    one that was sent."""
    return head.lstrip(_BLANKS).startswith(_BINARY) or any(
        head.startswith(mark, place) for place, mark in _LATER
    )
