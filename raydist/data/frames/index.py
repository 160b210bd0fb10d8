"""What is known of frames once they were decoded: digests, and which of them cannot be read and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from raydist.data.frames.files import DIGEST_BYTES, NO_CONTENT, Decoded, FrameFiles, file_stamps

OnProgress = Callable[[int], None]
"""Called with the number of frames that are decoded so far."""


@dataclass(frozen=True)
class FrameIndex:
    """What is known of F frames.

    Attributes:
        digest: uint8 [F, 16] of the encoded bytes.
        readable: bool [F].
        problems: why, for each frame that is not readable, in order.
    """

    digest: NDArray[np.uint8]
    readable: NDArray[np.bool_]
    problems: tuple[str, ...] = ()

    @classmethod
    def joined(cls, parts: Sequence[FrameIndex]) -> FrameIndex:
        """What is known of the frames of at least one part, one after the other."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            np.concatenate([part.digest for part in parts]),
            np.concatenate([part.readable for part in parts]),
            tuple(problem for part in parts for problem in part.problems),
        )


def collect_index(
    decoded: Iterable[Decoded],
    pixels_file: BinaryIO | None = None,
    on_progress: OnProgress | None = None,
    num_packed: int | None = None,
) -> FrameIndex:
    """What is known of the frames that pass by.

    Args:
        decoded: all frames in order.
        pixels_file: their pixels are appended to it, if one is given.
        on_progress: called after every piece.
        num_packed: the pixels of no more than so many of the first frames; None for all.
    """
    digests, readables, problems = [], [], list[str]()
    done = 0
    for part in decoded:
        digests.append(part.digest)
        readables.append(part.readable)
        problems += part.problems
        if pixels_file is not None:
            pixels_file.write(part.pixels[: None if num_packed is None else max(0, num_packed - done)].data)
        done += len(part.readable)
        if on_progress is not None:
            on_progress(done)
    return FrameIndex(np.concatenate(digests), np.concatenate(readables), tuple(problems))


def stamped_index(files: FrameFiles) -> FrameIndex:
    """What is known of frames without a look into their files, which may be missing or empty; no digests."""
    sizes = file_stamps(files.root, files.paths)[:, 0]
    readable = sizes > 0
    problems = tuple(NO_CONTENT[size] for size in sizes[~readable].tolist())
    return FrameIndex(np.zeros((len(files), DIGEST_BYTES), np.uint8), readable, problems)
