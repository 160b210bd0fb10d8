"""The frame files of a data set as rows of pixels that are decoded when they are asked for."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from raydist.data.frames.decoding import Pixels, decode_image
from raydist.data.tracklets import TrackletTable
from raydist.errors import DataError
from raydist.types import Ints

DIGEST_BYTES = 16
_BATCH_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Decoded:
    """M consecutive frames.

    Attributes:
        pixels: uint8 [M, H, W, 3]; zeros where the frame is not readable.
        digest: uint8 [M, DIGEST_BYTES] of the encoded bytes.
        readable: bool [M].
    """

    pixels: Pixels
    digest: NDArray[np.uint8]
    readable: NDArray[np.bool_]


@dataclass(frozen=True)
class FrameFiles:
    """F frame files, decoded on demand by threads (the decoders release the interpreter lock).

    Attributes:
        root: folder of the frames.
        paths: [F] relative to the root.
        height: height of the pixels that are handed out.
        width: their width.
        workers: number of threads.

    ``files[slots]`` gives the pixels uint8 [M, H, W, 3] of int64 [M] slots.
    """

    root: Path
    paths: tuple[str, ...]
    height: int
    width: int
    workers: int = 2

    @classmethod
    def of(cls, table: TrackletTable, *, height: int, width: int, workers: int) -> FrameFiles:
        """All frames of a table, tracklet after tracklet."""
        paths = tuple(path for frames in table.frames for path in frames)
        return cls(table.root, paths, height, width, workers)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, slots: Ints) -> Pixels:
        wanted, where = np.unique(slots, return_inverse=True)
        parts = self._in_threads(wanted, skip_unreadable=False)
        return np.concatenate([part.pixels for part in parts])[where]

    def decode_all(self, *, skip_unreadable: bool) -> Iterator[Decoded]:
        """All frames in order, in pieces of bounded size.

        Args:
            skip_unreadable: mark a frame that cannot be read instead of refusing it.

        Yields:
            Consecutive frames.

        Raises:
            DataError: a frame cannot be read; the message names the file.
        """
        piece = max(1, _BATCH_BYTES // (self.height * self.width * 3))
        for start in range(0, len(self), piece):
            yield from self._in_threads(
                np.arange(start, min(start + piece, len(self))), skip_unreadable=skip_unreadable
            )

    def _in_threads(self, slots: Ints, *, skip_unreadable: bool) -> Iterable[Decoded]:
        parts = [part for part in np.array_split(slots, self.workers) if part.size]
        if len(parts) < 2:
            return [self._decode(part, skip_unreadable) for part in parts]
        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(lambda part: self._decode(part, skip_unreadable), parts))

    def _decode(self, slots: Ints, skip_unreadable: bool) -> Decoded:
        pixels = np.zeros((len(slots), self.height, self.width, 3), np.uint8)
        digest = np.zeros((len(slots), DIGEST_BYTES), np.uint8)
        readable = np.ones(len(slots), bool)
        for row, slot in enumerate(slots):
            try:
                pixels[row], digest[row] = self._load(self.root / self.paths[slot])
            except DataError:
                if not skip_unreadable:
                    raise
                readable[row] = False
        return Decoded(pixels, digest, readable)

    def _load(self, file: Path) -> tuple[Pixels, NDArray[np.uint8]]:
        try:
            encoded = file.read_bytes()
            pixels = decode_image(encoded, height=self.height, width=self.width)
        except (OSError, DataError) as error:
            problem = error.strerror if isinstance(error, OSError) else error
            raise DataError(
                f"frame {file} cannot be read: {problem}; "
                "repair it, or leave such frames out (unreadable=skip)"
            ) from None
        digest = hashlib.blake2b(encoded, digest_size=DIGEST_BYTES).digest()
        return pixels, np.frombuffer(digest, np.uint8)


def check_files(table: TrackletTable, *, limit: int = 20) -> None:
    """Refuse a data set with frame files that are missing or empty, listing them all at once.

    Args:
        table: the tracklets to check.
        limit: how many files the message names.

    Raises:
        DataError: with the first files and the total.
    """
    paths = list(dict.fromkeys(path for frames in table.frames for path in frames))
    sizes = [size for size, _ in file_stamps(table.root, paths)]
    bad = [
        f"{path} ({'missing' if size < 0 else 'empty'})"
        for path, size in zip(paths, sizes, strict=True)
        if size <= 0
    ]
    if bad:
        more = "" if len(bad) <= limit else f"\n  ... and {len(bad) - limit} more"
        raise DataError(
            f"{len(bad)} of {len(paths)} frame files of {table.root} are missing or empty:\n  "
            + "\n  ".join(bad[:limit])
            + more
        )


def file_stamps(root: Path, paths: Iterable[str]) -> list[tuple[int, int]]:
    """Size in bytes and time of change in nanoseconds of each file; (-1, 0) where there is no file."""
    stamps = []
    for path in paths:
        try:
            status = os.stat(os.path.join(root, path))
        except OSError:
            stamps.append((-1, 0))
            continue
        stamps.append((status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else (-1, 0))
    return stamps
