"""Where the frames of a sequence come from: a video, or a folder of pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from raydist.data.frames.numbers import NO_NUMBER, frame_numbers
from raydist.data.importers.clocks import known_rate
from raydist.data.importers.pictures import Picture, is_picture, natural_key, read_picture
from raydist.errors import DataError
from raydist.opening import open_file
from raydist.types import Ints

_SAMPLE_BYTES = 2**20


class FrameSource(Protocol):
    """The frames of a sequence by their numbers in the track file."""

    def size(self) -> tuple[int, int]:
        """Height and width of the frames, as the first of them has them."""

    def start(self) -> int:
        """The number of the frame with which the recording starts."""

    def rate(self) -> float | None:
        """Frames a second; None where the frames do not say it."""

    def is_known_missing(self, frames: Ints) -> NDArray[np.bool_]:
        """Which of these frames are certainly not there, bool [N]."""

    def read(self, frames: Sequence[int]) -> Iterator[tuple[int, Picture | DataError]]:
        """The frames of these numbers (ascending); frames behind the end are left out."""

    def advice(self, frames: Ints) -> str:
        """What to know of the numbers of the frames int64 [N] of a track file; empty where they fit."""

    def fingerprint(self) -> str:
        """Changes when the frames are others."""


class VideoFrames:
    """The frames of a video.

    Args:
        path: the file.
        first_frame: the number of its first frame in the track file; None is 1.

    Raises:
        DataError: OpenCV cannot read a frame of it.
    """

    def __init__(self, path: Path, first_frame: int | None) -> None:
        self._path = path
        self._first = 1 if first_frame is None else first_frame
        for _, pixels in self.read([self._first]):
            if not isinstance(pixels, DataError):
                self._size = pixels.shape[:2]
                return
        raise DataError("OpenCV cannot read a frame of this video")

    def size(self) -> tuple[int, int]:
        """Height and width of the frames."""
        height, width = self._size
        return height, width

    def start(self) -> int:
        """The number of its first frame."""
        return self._first

    def rate(self) -> float | None:
        """Frames a second as the file has them."""
        video = cv2.VideoCapture(str(self._path))
        try:
            return known_rate(video.get(cv2.CAP_PROP_FPS))
        finally:
            video.release()

    def is_known_missing(self, frames: Ints) -> NDArray[np.bool_]:
        """Those before the first; how many a video has is known only when it was read."""
        return frames < self._first

    def read(self, frames: Sequence[int]) -> Iterator[tuple[int, Picture | DataError]]:
        """Read the video from its beginning: seeking is not exact in all formats."""
        video = cv2.VideoCapture(str(self._path))
        try:
            number = self._first
            for wanted in frames:
                while number < wanted and video.grab():
                    number += 1
                if number != wanted or not video.grab():
                    return
                number += 1
                is_decoded, pixels = video.retrieve()
                yield wanted, pixels if is_decoded else DataError(f"{self._path} cannot be decoded here")
        finally:
            video.release()

    def advice(self, frames: Ints) -> str:
        """Of tracks that count from 0."""
        counts_from_0 = self._first == 1 and bool((frames == 0).any())
        return "if the tracks count from 0, --first-frame 0" if counts_from_0 else ""

    def fingerprint(self) -> str:
        """Of the length and both ends of the file."""
        size = self._path.stat().st_size
        with open_file(self._path) as file:
            begin = file.read(_SAMPLE_BYTES)
            file.seek(max(0, size - _SAMPLE_BYTES))
            return _digest(f"{size} {self._first}".encode(), begin, file.read())


class FolderFrames:
    """The frames of a folder of pictures.

    A picture is the frame whose number ends its name, as in ``000017.jpg``; where not all names end with a
    number, or a number comes twice, the pictures are counted in their natural order.

    Args:
        path: the folder.
        first_frame: the number of the first picture in the track file, from which the others are counted on;
            None is the number in its name, and 1 where names have none.

    Raises:
        DataError: there is no picture, or the first cannot be read.
    """

    def __init__(self, path: Path, first_frame: int | None) -> None:
        names = sorted(
            (name for name in _names(path) if is_picture(name) and not name.startswith(".")), key=natural_key
        )
        if not names:
            raise DataError("the folder holds no pictures")
        by_number = dict(zip(frame_numbers(names).tolist(), names, strict=True))
        self._have_numbers = NO_NUMBER not in by_number and len(by_number) == len(names)
        if not self._have_numbers:
            by_number = dict(enumerate(names, start=1))
        shift = 0 if first_frame is None else first_frame - min(by_number)
        self._path = path
        self._names = {number + shift: name for number, name in by_number.items()}
        self._shift = shift
        self._is_counted_on = first_frame is not None
        first = min(self._names)
        try:
            self._size = read_picture(path / self._names[first]).shape[:2]
        except DataError as error:
            raise DataError(f"{self._names[first]}: {error}") from None

    def size(self) -> tuple[int, int]:
        """Height and width of the first picture."""
        height, width = self._size
        return height, width

    def start(self) -> int:
        """1, or 0 where the pictures count from it: the first picture may be of a later frame."""
        first = min(self._names)
        return first if self._is_counted_on else min(first, 1)

    def rate(self) -> None:
        """Pictures do not say it."""

    def is_known_missing(self, frames: Ints) -> NDArray[np.bool_]:
        """Those without a picture."""
        return ~np.isin(frames, list(self._names))

    def advice(self, frames: Ints) -> str:
        """Of names without numbers, a shift, boxes before the first picture, and pictures from 0 without."""
        first = min(self._names)
        if not self._have_numbers:
            return (
                f"not every picture has a number of its own at the end of its name: {self._names[first]} is "
                f"frame {first}, the others follow in the order of their names"
            )
        if self._shift:
            return f"{self._names[first]} is frame {first}, as --first-frame says"
        begin = int(frames.min()) if len(frames) else first
        if first == begin or 0 < first < begin or self._is_counted_on:
            return ""
        number = min(begin, 1)
        return (
            f"the first picture is {self._names[first]} and the first box is of frame {begin}: if the tracks "
            f"count the pictures from {number}, --first-frame {number}"
        )

    def read(self, frames: Sequence[int]) -> Iterator[tuple[int, Picture | DataError]]:
        """Read pictures; in the place of one that is damaged or of another size there is the error."""
        for number in frames:
            try:
                pixels = read_picture(self._path / self._names[number])
                if pixels.shape[:2] != self._size:
                    height, width = pixels.shape[:2]
                    first = " x ".join(map(str, self._size))
                    raise DataError(f"{height} x {width} pixels, but the first picture has {first}")
                yield number, pixels
            except DataError as error:
                yield number, DataError(f"{self._names[number]}: {error}")

    def fingerprint(self) -> str:
        """Of the names and lengths of the pictures."""
        files = [
            f"{number} {name} {(self._path / name).stat().st_size}" for number, name in self._names.items()
        ]
        return _digest("\n".join(files).encode(errors="surrogateescape"))


def open_source(path: Path, first_frame: int | None) -> FrameSource:
    """The frames of a video file or of a folder.

    Args:
        path: the video or folder.
        first_frame: number of the first frame in the track file; None is what the names of pictures say, and
            1 where they say nothing.

    Raises:
        DataError: nothing is there, or no frame can be read.
    """
    if path.is_dir():
        return FolderFrames(path, first_frame)
    if not path.is_file():
        raise DataError("no such video or folder of pictures")
    return VideoFrames(path, first_frame)


def _names(path: Path) -> list[str]:
    return [entry.name for entry in path.iterdir()]


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()[:16]
