"""The frame files of a data set as rows of pixels that are decoded when they are asked for."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from raydist.data.frames.decoding import Pixels, Span, decode_image
from raydist.data.frames.paths import FramePaths
from raydist.data.frames.ranges import FULL_RANGES, Ranges
from raydist.data.frames.reading import read_frame_file
from raydist.data.frames.resizing import AREA
from raydist.data.tracklets import TrackletTable
from raydist.errors import ConfigError, DataError
from raydist.types import Ints, Modality

DIGEST_BYTES = 16
_PIECE_BYTES, _PIECE_FRAMES = 64 * 2**20, 2048
_MISSING, _NOT_PERMITTED = -1, -2
NO_CONTENT = {_MISSING: "missing", _NOT_PERMITTED: "not permitted", 0: "empty"}
"""Size that `file_stamps` gives -> why such a file cannot be read."""


@dataclass(frozen=True)
class Decoded:
    """M consecutive frames.

    Attributes:
        pixels: uint8 [M, H, W, 3]; zeros where the frame is not readable.
        digest: uint8 [M, DIGEST_BYTES] of the encoded bytes.
        readable: bool [M].
        problems: why, for each frame that is not readable, in order.
    """

    pixels: Pixels
    digest: NDArray[np.uint8]
    readable: NDArray[np.bool_]
    problems: tuple[str, ...]


@dataclass(frozen=True)
class FrameFiles:
    """F frame files, decoded on demand by threads (the decoders release the interpreter lock).

    Attributes:
        root: folder of the frames.
        paths: [F] relative to the root.
        height: height of the pixels that are handed out.
        width: their width.
        workers: number of threads.
        spans: the stored values that become black and white, each pair of them once.
        span_of: int16 [F], which of `spans` holds for a frame; None for the first of them.
        resize: how a frame of another size is brought to this one, see `raydist.data.frames.resizing`.

    ``files[slots]`` gives the pixels uint8 [M, H, W, 3] of int64 [M] slots.
    """

    root: Path
    paths: Sequence[str]
    height: int
    width: int
    workers: int = 2
    spans: tuple[Span, ...] = (None,)
    span_of: NDArray[np.int16] | None = None
    resize: str = AREA

    @classmethod
    def of(
        cls,
        table: TrackletTable,
        *,
        height: int,
        width: int,
        workers: int = 2,
        ranges: Ranges = FULL_RANGES,
        resize: str = AREA,
    ) -> FrameFiles:
        """All frames of a table, tracklet after tracklet; `ranges` in numbers.

        Raises:
            ConfigError: the size or the number of threads is not positive.
        """
        if min(height, width, workers) < 1:
            raise ConfigError(f"height {height}, width {width}, workers {workers}: all must be at least 1")
        of_rows = [
            ranges.span(camera, Modality(modality))
            for camera, modality in zip(table.camera.tolist(), table.modality.tolist(), strict=True)
        ]
        spans = tuple(dict.fromkeys(of_rows)) or (None,)
        codes = {span: code for code, span in enumerate(spans)}
        span_of = np.repeat(np.array([codes[span] for span in of_rows], np.int16), table.num_frames)
        return cls(table.root, FramePaths.of(table), height, width, workers, spans, span_of, resize)

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, slots: Ints) -> Pixels:
        wanted, where = np.unique(slots, return_inverse=True)
        parts = self._in_threads(wanted)
        readable = np.concatenate([part.readable for part in parts])
        if not readable.all():
            file = self.root / self.paths[wanted[np.argmin(readable)]]
            problem = next(problem for part in parts for problem in part.problems)
            raise DataError(f"frame {file} cannot be read any more: {problem}")
        return np.concatenate([part.pixels for part in parts])[where]

    def part(self, first: int, stop: int) -> FrameFiles:
        """The frames of some consecutive slots."""
        span_of = None if self.span_of is None else self.span_of[first:stop]
        return replace(self, paths=self.paths[first:stop], span_of=span_of)

    def span(self, slot: int) -> Span:
        """The stored values that become black and white in a frame."""
        return self.spans[0 if self.span_of is None else self.span_of[slot]]

    def decode_all(self) -> Iterator[Decoded]:
        """All frames in order, in pieces of bounded size; those that cannot be read are marked."""
        piece = max(1, min(_PIECE_BYTES // (self.height * self.width * 3), _PIECE_FRAMES))
        for start in range(0, len(self), piece):
            yield from self._in_threads(np.arange(start, min(start + piece, len(self))))

    def _in_threads(self, slots: Ints) -> list[Decoded]:
        parts = [part for part in np.array_split(slots, self.workers) if part.size]
        if len(parts) < 2:
            return [self._decode(part) for part in parts]
        with ThreadPoolExecutor(self.workers) as pool:
            return list(pool.map(self._decode, parts))

    def _decode(self, slots: Ints) -> Decoded:
        pixels = np.zeros((len(slots), self.height, self.width, 3), np.uint8)
        digest = np.zeros((len(slots), DIGEST_BYTES), np.uint8)
        readable, problems = np.ones(len(slots), bool), []
        for row, slot in enumerate(slots):
            try:
                pixels[row], digest[row] = self._load(slot)
            except (OSError, DataError) as error:
                readable[row] = False
                problems.append(str(error.strerror if isinstance(error, OSError) else error))
        return Decoded(pixels, digest, readable, tuple(problems))

    def _load(self, slot: int) -> tuple[Pixels, NDArray[np.uint8]]:
        encoded = read_frame_file(self.root / self.paths[slot])
        pixels = decode_image(
            encoded, height=self.height, width=self.width, span=self.span(slot), resize=self.resize
        )
        digest = hashlib.blake2b(encoded, digest_size=DIGEST_BYTES).digest()
        return pixels, np.frombuffer(digest, np.uint8)


def file_stamps(root: Path, paths: Sequence[str]) -> Ints:
    """Size in bytes and time of change in nanoseconds of each file, int64 [F, 2].

    The size is -1 where there is no file, and -2 where there is one that this process may not read.
    """
    folder, user = os.path.join(root, ""), os.geteuid()
    stamps = (_stamp(path if path.startswith(os.sep) else folder + path, user) for path in paths)
    return np.fromiter(stamps, dtype=np.dtype((np.int64, 2)), count=len(paths))


def _stamp(file: str, user: int) -> tuple[int, int]:
    try:
        status = os.stat(file)
    except OSError:
        return _MISSING, 0
    if not stat.S_ISREG(status.st_mode):
        return _MISSING, 0
    permitted = (status.st_uid == user and status.st_mode & stat.S_IRUSR) or os.access(file, os.R_OK)
    return status.st_size if permitted else _NOT_PERMITTED, status.st_mtime_ns
