"""The frames of a data set as arrays, decoded once into a packed cache or on demand."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from raydist.data.frames.cache import open_or_write
from raydist.data.frames.decoding import Pixels
from raydist.data.frames.files import FrameFiles
from raydist.data.frames.index import FrameIndex, OnProgress, collect_index
from raydist.data.frames.unreadable import check_readable
from raydist.errors import ConfigError, DataError
from raydist.types import Ints

FRAMES_LEFT_OUT = "frames left out because they cannot be read"
TRACKLETS_LEFT_OUT = "tracklets left out because none of their frames can be read"

NOT_LEFT_OUT = {
    FRAMES_LEFT_OUT: "frames that cannot be read",
    TRACKLETS_LEFT_OUT: "tracklets of which no frame can be read",
}
"""What the same is called where nothing is left out."""


class PixelSource(Protocol):
    """Pixels by slot: the number of a frame when all tracklets are laid end to end."""

    def __getitem__(self, slots: Ints, /) -> Pixels:
        """The pixels uint8 [M, H, W, 3] of int64 [M] slots."""


@dataclass(frozen=True)
class FrameStore:
    """The frames of N tracklets, those of a table of which a frame can be read.

    Attributes:
        rows: int64 [N], ascending at first: which row of the table each tracklet is.
        num_frames: int64 [N], readable frames of each tracklet, >= 1.
        digest: str [N], hexadecimal, of the encoded bytes of its readable frames in order; it does not depend
            on names.
        height: height of the pixels.
        width: their width.
        notes: what was left out because it cannot be read, with how often; empty where all could be read.
        first: int64 [N], where a tracklet begins in `slots`.
        slots: int64, the slots of the readable frames of all tracklets.
        pixels: where the pixels come from.
    """

    rows: Ints
    num_frames: Ints
    digest: NDArray[Any]
    height: int
    width: int
    notes: Mapping[str, int]
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
        return pixels.transpose(0, 1, 4, 2, 3)

    def take(self, rows: Ints) -> FrameStore:
        """The store of the given tracklets, in that order; no pixels are copied."""
        return replace(
            self,
            rows=self.rows[rows],
            num_frames=self.num_frames[rows],
            digest=self.digest[rows],
            first=self.first[rows],
        )


def open_files(
    files: FrameFiles,
    num_listed: Ints,
    *,
    cache: str = "auto",
    cache_bytes: float = math.inf,
    cache_dir: str | Path | None = None,
    unreadable: str = "error",
    on_progress: OnProgress | None = None,
) -> FrameStore:
    """Make the frames of tracklets readable by row and frame number.

    Every frame is decoded once at opening, into the cache if there is one; an unreadable frame is therefore
    known before training begins. Later openings with the same files, size and filter only map the cache, and
    decode nothing.

    Args:
        files: the frames of all tracklets, laid end to end; the tracklets with a readable frame become the
            rows of the store.
        num_listed: int64 [N], how many of them each tracklet has.
        cache: ``packed`` writes or maps the cache, ``off`` decodes whenever a frame is read, ``auto`` packs
            as many frames as fit, if there is a folder for the cache, and decodes the others.
        cache_bytes: that ``auto`` packs at most.
        cache_dir: folder of the cache.
        unreadable: ``error`` refuses frames that are missing, empty or truncated; ``skip`` leaves them out,
            and tracklets of which nothing is left.
        on_progress: called with the number of frames that are decoded so far.

    Raises:
        ConfigError: an option has none of the values above.
        DataError: frames are unreadable (the message names the files), or too many are for skipping.
    """
    _check_options(cache, cache_dir, unreadable)
    if not len(files):
        raise DataError(f"no tracklets of {files.root} to open")
    skip = unreadable == "skip"
    pixels: PixelSource = files
    if cache_dir is not None and cache != "off":
        most_bytes = math.inf if cache == "packed" else cache_bytes
        index, pixels = open_or_write(
            files, Path(cache_dir), skip_unreadable=skip, most_bytes=most_bytes, on_progress=on_progress
        )
    else:
        index = collect_index(files.decode_all(), on_progress=on_progress)
        check_readable(index, files, skip=skip)
    return _store(index, files, num_listed, pixels)


def _store(index: FrameIndex, files: FrameFiles, num_listed: Ints, pixels: PixelSource) -> FrameStore:
    first, last = _bounds(index, num_listed)
    rows = np.flatnonzero(first != last)
    first, last = first[rows], last[rows]
    slots = np.flatnonzero(index.readable)
    digest = [_digest(index.digest[slots[begin:end]]) for begin, end in zip(first, last, strict=True)]
    return FrameStore(
        rows=rows,
        num_frames=last - first,
        digest=np.array(digest, dtype=str),
        height=files.height,
        width=files.width,
        notes=left_out(index, num_listed),
        first=first,
        slots=slots,
        pixels=pixels,
    )


def left_out(index: FrameIndex, num_listed: Ints) -> dict[str, int]:
    """How many frames cannot be read, and how many tracklets have no other; empty where all can be read.

    Args:
        index: of all frames, laid end to end.
        num_listed: int64 [N], frames of each tracklet.
    """
    first, last = _bounds(index, num_listed)
    counts = {
        FRAMES_LEFT_OUT: int((~index.readable).sum()),
        TRACKLETS_LEFT_OUT: int((first == last).sum()),
    }
    return {name: number for name, number in counts.items() if number}


def _bounds(index: FrameIndex, num_listed: Ints) -> tuple[Ints, Ints]:
    """Where each tracklet begins and ends among the readable frames."""
    ends = np.cumsum(num_listed)
    kept_before = np.concatenate([[0], np.cumsum(index.readable)])
    return kept_before[ends - num_listed], kept_before[ends]


def _digest(of_frames: NDArray[np.uint8]) -> str:
    return hashlib.blake2b(of_frames.tobytes(), digest_size=of_frames.shape[1]).hexdigest()


def _check_options(cache: str, cache_dir: str | Path | None, unreadable: str) -> None:
    for name, value, allowed in (
        ("cache", cache, ("auto", "packed", "off")),
        ("unreadable", unreadable, ("error", "skip")),
    ):
        if value not in allowed:
            raise ConfigError(f"{name} {value!r}: expected one of {', '.join(allowed)}")
    if cache == "packed" and cache_dir is None:
        raise ConfigError("cache 'packed' needs a folder for the cache")
