"""The frames of a data set as arrays, decoded once into a packed cache or on demand."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from raydist.data.frames.cache import FrameIndex, collect_index, open_or_write, packed_bytes
from raydist.data.frames.decoding import Pixels
from raydist.data.frames.files import FrameFiles
from raydist.data.tracklets import TrackletTable
from raydist.errors import ConfigError, DataError
from raydist.types import Ints

MAX_UNREADABLE_SHARE = 0.05
"""Above this share of unreadable frames a data set is refused even when they may be skipped."""

_log = logging.getLogger(__name__)


class PixelSource(Protocol):
    """Pixels by slot: the number of a frame when all tracklets are laid end to end."""

    def __getitem__(self, slots: Ints, /) -> Pixels:
        """The pixels uint8 [M, H, W, 3] of int64 [M] slots."""


@dataclass(frozen=True)
class FrameStore:
    """The frames of N tracklets.

    Attributes:
        num_frames: int64 [N], readable frames of each tracklet, >= 1.
        digest: str [N], hexadecimal, of the encoded bytes of its readable frames in order; it does not depend
            on names.
        height: height of the pixels.
        width: their width.
        num_skipped: unreadable frames that were left out.
        first: int64 [N], where a tracklet begins in `slots`.
        slots: int64, the slots of the readable frames of all tracklets.
        pixels: where the pixels come from.
    """

    num_frames: Ints
    digest: NDArray[Any]
    height: int
    width: int
    num_skipped: int
    first: Ints
    slots: Ints
    pixels: PixelSource

    def __len__(self) -> int:
        return len(self.num_frames)

    def read(self, rows: Ints, frame_indices: Ints) -> Pixels:
        """The pixels of some frames of some tracklets.

        Args:
            rows: int64 [B], tracklets.
            frame_indices: int64 [B, T], frames of each, from 0 to its number of frames - 1.

        Returns:
            uint8 [B, T, 3, H, W] in the order red, green, blue.

        Raises:
            IndexError: a row or a frame does not exist.
            DataError: a file changed since the store was opened and cannot be read.
        """
        rows, frame_indices = np.asarray(rows), np.asarray(frame_indices)
        if rows.size and (rows.min() < 0 or rows.max() >= len(self)):
            raise IndexError(f"rows from {rows.min()} to {rows.max()}: there are {len(self)} tracklets")
        if ((frame_indices < 0) | (frame_indices >= self.num_frames[rows, None])).any():
            raise IndexError("a frame index is negative or not below the number of frames of its tracklet")
        slots = self.slots[self.first[rows, None] + frame_indices]
        if not slots.size:
            return np.zeros((*slots.shape, 3, self.height, self.width), np.uint8)
        pixels = self.pixels[slots.ravel()].reshape(*slots.shape, self.height, self.width, 3)
        return np.ascontiguousarray(pixels.transpose(0, 1, 4, 2, 3))

    def take(self, rows: Ints) -> FrameStore:
        """The store of the given tracklets, in that order; no pixels are copied."""
        return replace(
            self, num_frames=self.num_frames[rows], digest=self.digest[rows], first=self.first[rows]
        )


def open_frames(
    table: TrackletTable,
    *,
    height: int,
    width: int,
    cache: str = "auto",
    cache_dir: str | Path | None = None,
    cache_limit_mb: int = 4096,
    unreadable: str = "error",
    workers: int = 2,
) -> FrameStore:
    """Make the frames of a table readable by row and frame number.

    Every frame is decoded once at opening, into the cache if there is one; an unreadable frame is therefore
    known before training begins. Later openings with the same files and size only map the cache.

    Args:
        table: the tracklets, which become the rows of the store.
        height: height of the pixels that `read` gives; images of another size are resized.
        width: their width.
        cache: ``packed`` writes or maps the cache, ``off`` decodes whenever a frame is read, ``auto`` takes
            the cache if there is a folder for it and it stays below the limit.
        cache_dir: folder of the cache.
        cache_limit_mb: largest cache entry in MiB that ``auto`` writes.
        unreadable: ``error`` refuses a frame that is missing, empty or truncated; ``skip`` leaves it out.
        workers: number of decoding threads.

    Returns:
        The store.

    Raises:
        ConfigError: an option has none of the values above.
        DataError: a frame is unreadable (the message names the file), or too many are for skipping: more than
            5 % of all, or all frames of one tracklet.
    """
    _check_options(height, width, cache, cache_dir, unreadable, workers)
    if not len(table):
        raise DataError(f"no tracklets of {table.root} to open")
    files = FrameFiles.of(table, height=height, width=width, workers=workers)
    skip = unreadable == "skip"
    pixels: PixelSource = files
    if cache_dir is not None and (
        cache == "packed" or (cache == "auto" and packed_bytes(files) <= cache_limit_mb * 2**20)
    ):
        index, pixels = open_or_write(files, Path(cache_dir), skip_unreadable=skip)
    else:
        index = collect_index(files.decode_all(skip_unreadable=skip))
    _check_readable(index, files, skip=skip)
    return _store(index, files, table.num_frames, pixels)


def _store(index: FrameIndex, files: FrameFiles, num_listed: Ints, pixels: PixelSource) -> FrameStore:
    ends = np.cumsum(num_listed)
    kept_before = np.concatenate([[0], np.cumsum(index.readable)])
    first, last = kept_before[ends - num_listed], kept_before[ends]
    if (first == last).any():
        lost = int(np.flatnonzero(first == last)[0])
        raise DataError(
            f"no frame of row {lost} can be read; "
            f"its first frame is {files.paths[ends[lost] - num_listed[lost]]}"
        )
    slots = np.flatnonzero(index.readable)
    digest = [_digest(index.digest[slots[begin:end]]) for begin, end in zip(first, last, strict=True)]
    num_skipped = int((~index.readable).sum())
    return FrameStore(
        last - first,
        np.array(digest, dtype=str),
        files.height,
        files.width,
        num_skipped,
        first,
        slots,
        pixels,
    )


def _digest(of_frames: NDArray[np.uint8]) -> str:
    return hashlib.blake2b(of_frames.tobytes(), digest_size=of_frames.shape[1]).hexdigest()


def _check_readable(index: FrameIndex, files: FrameFiles, *, skip: bool) -> None:
    lost = np.flatnonzero(~index.readable)
    if not lost.size:
        return
    named = ", ".join(files.paths[slot] for slot in lost[:5])
    problem = f"{lost.size} of {len(files)} frames of {files.root} cannot be read; the first: {named}"
    if not skip:
        raise DataError(f"{problem}; repair or remove them, or leave such frames out (unreadable=skip)")
    if lost.size > MAX_UNREADABLE_SHARE * len(files):
        raise DataError(f"{problem}; more than {MAX_UNREADABLE_SHARE:.0%} is too much to leave out")
    _log.warning("left out: %s", problem)


def _check_options(
    height: int, width: int, cache: str, cache_dir: str | Path | None, unreadable: str, workers: int
) -> None:
    for name, value, allowed in (
        ("cache", cache, ("auto", "packed", "off")),
        ("unreadable", unreadable, ("error", "skip")),
    ):
        if value not in allowed:
            raise ConfigError(f"{name} {value!r}: expected one of {', '.join(allowed)}")
    if cache == "packed" and cache_dir is None:
        raise ConfigError("cache 'packed' needs a folder for the cache")
    if min(height, width, workers) < 1:
        raise ConfigError(f"height {height}, width {width}, workers {workers}: all must be at least 1")
