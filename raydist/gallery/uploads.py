"""Pictures that a visitor brings along: one body with all of them, cut up by their sizes."""

from __future__ import annotations

from raydist.api.clips import EncodedFrame
from raydist.errors import ConfigError, DataError
from raydist.gallery.exchange import Words
from raydist.plurals import counted

MAX_PICTURES = 64
MAX_BYTES = 32 * 2**20
"""Of all pictures together."""


def pictures(words: Words, body: bytes) -> list[EncodedFrame]:
    """The pictures of a body in their order.

    Args:
        words: ``sizes`` holds the bytes of each, with commas between.
        body: the files, one after the other.

    Raises:
        ConfigError: the sizes are none, or do not belong to the body.
        DataError: there are no pictures, or too many.
    """
    given = words.one("sizes")
    if not given:
        raise DataError("no picture: choose one or more of one person")
    texts = given.split(",")
    if len(texts) > MAX_PICTURES:
        raise DataError(f"{counted(len(texts), 'picture')}: at most {MAX_PICTURES} at once")
    if not all(text.isdecimal() and len(text) < 12 for text in texts) or sum(map(int, texts)) != len(body):
        raise ConfigError(f"sizes={given}: these are not the sizes of pictures of {len(body)} bytes together")
    frames, start = [], 0
    for number, size in enumerate(map(int, texts), start=1):
        frames.append(EncodedFrame(str(number), body[start : start + size]))
        start += size
    return frames
