"""The same picture in training and in query or gallery, or in training under two identities.

Pictures are the same when their files have the same bytes. Only files whose length occurs on both sides are
opened; of these the last bytes are compared first, and the whole content where those agree.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raydist.data.frames.files import file_stamps
from raydist.data.tracklets import TrackletTable
from raydist.errors import DataError
from raydist.opening import PICTURE_BYTES, open_file
from raydist.types import UNKNOWN_IDENTITY, Ints

LISTED = 20
_TAIL_BYTES = 4096


@dataclass(frozen=True)
class SamePictures:
    """Pictures that stand where they should not.

    Attributes:
        num_ranked: pictures of training that also stand in query or gallery.
        ranked: of each a path in training and one in query or gallery; at most `LISTED`.
        num_contradicted: pictures that stand in training under two identities.
        contradicted: of each two paths; at most `LISTED`.
    """

    num_ranked: int
    ranked: list[tuple[str, str]]
    num_contradicted: int
    contradicted: list[tuple[str, str]]


@dataclass(frozen=True)
class _Uses:
    """M places in the table where a frame stands.

    Attributes:
        file: int64 [M], which of the F files it is.
        is_train: bool [M].
        identity: int64 [M].
    """

    file: Ints
    is_train: NDArray[np.bool_]
    identity: Ints


def same_pictures(table: TrackletTable) -> SamePictures:
    """The same pictures among the frames of N tracklets; linear in their number.

    Raises:
        DataError: a file cannot be read.
    """
    paths, uses = _uses(table)
    contents = file_stamps(table.root, paths)[:, 0]
    is_there = contents[uses.file] > 0  # missing and empty files are no pictures
    uses = _Uses(uses.file[is_there], uses.is_train[is_there], uses.identity[is_there])
    for num_bytes in (_TAIL_BYTES, None):
        wanted = np.unique(uses.file[np.logical_or(*_suspicious(contents, uses))])
        digests = [_digest(os.path.join(table.root, paths[file]), num_bytes) for file in wanted]
        contents = np.arange(len(paths))  # all others differ from each other
        contents[wanted] = len(paths) + np.unique(np.array(digests, np.int64), return_inverse=True)[1]
    is_ranked, is_contradicted = _suspicious(contents, uses)
    pairs = [
        _pairs(contents, uses, is_ranked, np.where(uses.is_train, 0, 1)),
        _pairs(contents, uses, is_contradicted & uses.is_train, uses.identity),
    ]
    (num_ranked, ranked), (num_contradicted, contradicted) = [
        (len(files), [(paths[a], paths[b]) for a, b in files[:LISTED]]) for files in pairs
    ]
    return SamePictures(num_ranked, ranked, num_contradicted, contradicted)


def _uses(table: TrackletTable) -> tuple[list[str], _Uses]:
    """The F different paths of a table, and where they stand."""
    number: dict[str, int] = {}
    file = [number.setdefault(path, len(number)) for frames in table.frames for path in frames]
    return list(number), _Uses(
        np.array(file, np.int64),
        np.repeat(table.split == "train", table.num_frames),
        np.repeat(table.identity, table.num_frames),
    )


def _suspicious(contents: Ints, uses: _Uses) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which uses have a content that is both trained on and ranked, and one of two training identities.

    Args:
        contents: int64 [F], equal for files whose content may be equal.
        uses: M uses of these files.

    Returns:
        Two masks, bool [M].
    """
    content = np.unique(contents, return_inverse=True)[1][uses.file]
    count = int(content.max()) + 1 if len(content) else 0
    is_trained, is_ranked = np.zeros(count, bool), np.zeros(count, bool)
    is_trained[content[uses.is_train]] = True
    is_ranked[content[~uses.is_train]] = True
    named = uses.is_train & (uses.identity != UNKNOWN_IDENTITY)
    least, most = np.full(count, np.iinfo(np.int64).max), np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(least, content[named], uses.identity[named])
    np.maximum.at(most, content[named], uses.identity[named])
    return (is_trained & is_ranked)[content], (least < most)[content]


def _pairs(
    contents: Ints, uses: _Uses, rows: NDArray[np.bool_], sides: NDArray[np.int64]
) -> list[tuple[int, int]]:
    """Of each content among some uses, a file of the smallest side and one of another."""
    pairs: dict[int, tuple[int, int]] = {}
    first: dict[int, tuple[int, int]] = {}
    chosen = np.flatnonzero(rows & (sides != UNKNOWN_IDENTITY))
    for use in chosen[np.lexsort((chosen, sides[chosen]))].tolist():
        file = int(uses.file[use])
        content, side = int(contents[file]), int(sides[use])
        first_side, first_file = first.setdefault(content, (side, file))
        if side != first_side:
            pairs.setdefault(content, (first_file, file))
    return list(pairs.values())


def _digest(path: str, num_bytes: int | None) -> int:
    """A number of 64 bits for the last bytes of a file, or for all."""
    try:
        with open_file(path, most=PICTURE_BYTES) as file:
            if num_bytes is not None:
                file.seek(max(0, os.fstat(file.fileno()).st_size - num_bytes))
            content = file.read()
    except OSError as error:
        raise DataError(f"frame {path} cannot be read ({error.strerror})") from None
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little", signed=True)
