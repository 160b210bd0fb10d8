"""What kind of file some bytes are, known by how they begin and end, where that is certain."""

from __future__ import annotations

UTF16 = "text in UTF-16"
UTF32 = "text in UTF-32"

_BEGINNINGS = (
    (b"PAR1", "a Parquet file"),
    (b"PARE", "an encrypted Parquet file"),
    (b"ARROW1\0\0", "an Arrow (Feather) file"),
    (b"FEA1", "a Feather file of version 1"),
    (b"PK\x03\x04", "a ZIP archive, as workbooks of spreadsheets are"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of an old Office, as .xls workbooks are"),
    (b"\x1f\x8b\x08", "a gzip archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\xfd7zXZ\0", "an xz archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"Obj\x01", "an Avro file"),
    (b"%PDF-", "a PDF"),
)
_BOMS = (  # UTF-32 first: its little-endian mark begins like that of UTF-16
    (b"\xff\xfe\0\0", UTF32),
    (b"\0\0\xfe\xff", UTF32),
    (b"\xff\xfe", UTF16),
    (b"\xfe\xff", UTF16),
)
_PICKLES = tuple(bytes([0x80, protocol]) for protocol in (2, 3, 4, 5))
_LOOKED_AT = 64
"""Bytes in which the zeros of wide characters are looked for."""


PARQUET = (".parquet", ".pq")


def is_parquet_name(name: str) -> bool:
    """Whether a name is that of a Parquet file.

    >>> is_parquet_name("a/Features.PQ"), is_parquet_name("runs/first")
    (True, False)
    """
    return name.lower().endswith(PARQUET)


def file_kind(content: bytes) -> str | None:
    """What a file is, with its article; None where it is something else, or nothing certain.

    Args:
        content: the whole file, or its beginning (then formats that are known by their end are not).

    >>> file_kind(b"SQLite format 3\\0..."), file_kind(b"tracklet_id,camera")
    ('an SQLite database', None)
    """
    for beginning, kind in (*_BEGINNINGS, *_BOMS):
        if content.startswith(beginning):
            return kind
    if content.startswith(b"ORC") and content[-4:-1] == b"ORC":
        return "an ORC file"
    if content.startswith(_PICKLES) and content.endswith(b"."):
        return "a pickle of Python"
    return _wide_text(content[:_LOOKED_AT])


def is_text(content: bytes) -> bool:
    """Whether the beginning of a file is plain text: UTF-8 without control characters.

    >>> is_text("é,1\\n".encode()), is_text(b"a\\0b")
    (True, False)
    """
    text = content.decode("utf-8-sig", errors="ignore")  # a character may be cut
    is_utf8 = len(content) - len(text.encode()) <= 3
    return bool(text) and is_utf8 and all(mark.isprintable() or mark in "\t\r\n\f" for mark in text)


def _wide_text(content: bytes) -> str | None:
    """Text without a byte order mark: Latin letters of two or four bytes, of which all but one are zero."""
    for width, kind in ((4, UTF32), (2, UTF16)):
        whole = content[: len(content) // width * width]
        if len(whole) < 4 * width:
            continue
        for place in (0, width - 1):
            letters = whole[place::width]
            if all(letters) and len(whole) - len(letters) == whole.count(0):
                return kind
    return None
