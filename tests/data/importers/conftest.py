"""Own-made footage: pictures whose pixels say where they are, videos of flat colours, and track files."""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

HEIGHT, WIDTH = 48, 64


def _picture(frame: int, *, dtype: type = np.uint8, height: int = HEIGHT, width: int = WIDTH) -> NDArray:
    """A picture [H, W, 3] whose channels are the column, the row and the frame."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([columns, rows, np.full_like(rows, frame)], axis=2).astype(dtype)


@pytest.fixture(scope="session")
def picture() -> Callable[..., NDArray]:
    """`picture(frame)` gives the pixels of a frame."""
    return _picture


@pytest.fixture(scope="session")
def write_folder() -> Callable[..., Path]:
    """`write_folder(path, frames)` writes lossless pictures with these numbers."""

    def write(path: Path, frames: Sequence[int], dtype: type = np.uint8, name: str = "{:06d}.png") -> Path:
        path.mkdir(parents=True, exist_ok=True)
        for frame in frames:
            cv2.imwrite(str(path / name.format(frame)), _picture(frame, dtype=dtype))
        return path

    return write


@pytest.fixture(scope="session")
def write_video() -> Callable[..., Path]:
    """`write_video(path, num_frames)` writes a video; frame k from 0 is grey of value 20 k."""

    def write(path: Path, num_frames: int) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        video = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (WIDTH, HEIGHT))
        for frame in range(num_frames):
            video.write(np.full((HEIGHT, WIDTH, 3), 20 * frame, np.uint8))
        video.release()
        return path

    return write


@pytest.fixture(scope="session")
def write_tracks() -> Callable[..., Path]:
    """`write_tracks(path, rows)` writes rows of numbers as a track file."""

    def write(path: Path, rows: Sequence[Sequence[float]]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
        return path

    return write


@pytest.fixture(scope="session")
def silent() -> Callable[[str, int, int], None]:
    """Shows no progress."""
    return lambda name, done, total: None
