"""Reading the text files that come with a data set, with errors that name the file and the line."""

from __future__ import annotations

from pathlib import Path

from raydist.data.file_kinds import file_kind
from raydist.errors import DataError
from raydist.opening import TEXT_BYTES, read_whole
from raydist.registry import shortened


def read_text(path: Path, layout: str) -> str:
    """The text of an annotation file.

    Args:
        path: the file, UTF-8.
        layout: the layout that the data set should have, for the message.

    Raises:
        DataError: the file is missing or is not text.
    """
    try:
        content = read_whole(path, most=TEXT_BYTES)
        return content.decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read {path} ({error.strerror}). Expected layout:\n{layout}") from None
    except UnicodeDecodeError as error:
        kind = file_kind(content)
        why = f"it is {kind}" if kind else f"byte {error.start}"
        raise DataError(f"{path}: not a UTF-8 text file ({why}). Expected layout:\n{layout}") from None


def read_lines(path: Path, layout: str) -> list[tuple[int, str]]:
    """The lines of an annotation file that are not blank, stripped, each with its number from 1.

    Raises:
        DataError: the file is missing or is not text.
    """
    lines = enumerate(read_text(path, layout).splitlines(), start=1)
    return [(number, line.strip()) for number, line in lines if line.strip()]


def quoted(text: str) -> str:
    """A line or a word of a file as messages show it, cut where it is very long.

    >>> quoted("12 RGB"), len(quoted("x" * 1000))
    ("'12 RGB'", 203)
    """
    return shortened(text, 200)


def parse_integers(text: str, where: str) -> list[int]:
    """The whole numbers of a line, which are separated by white space.

    >>> parse_integers("1 1 24 0007 2", "track_train_info.txt, line 1")
    [1, 1, 24, 7, 2]

    Raises:
        DataError: something else than digits stands there.
    """
    words = text.split()
    wrong = [word for word in words if not (word.isascii() and word.isdigit() and len(word) < 19)]
    if wrong:
        raise DataError(f"{where}: {quoted(wrong[0])} where a whole number was expected")
    return [int(word) for word in words]
