"""Packed pixels: files of decoded frames, mapped into memory and shared by all processes of a machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raydist.data.frames.decoding import Pixels
from raydist.data.frames.files import FrameFiles
from raydist.data.mapped_files import mapped_array
from raydist.types import Ints


class PackedPixels:
    """The mapped pixels; ``packed[slots]`` gives uint8 [M, H, W, 3] of int64 [M] slots that are packed.

    Pickling carries the paths alone, so a process that receives it maps the same files.

    Args:
        files: of the parts, in order, each uint8 [P, H, W, 3] with the first P frames of its part.
        part_frames: frames of every part; the last one may have fewer.
    """

    def __init__(self, files: Sequence[Path], part_frames: int) -> None:
        self.files, self.part_frames = tuple(files), part_frames
        self._parts = [mapped_array(file) for file in self.files]
        self._lengths = np.array([len(part) for part in self._parts], np.int64)

    def __len__(self) -> int:
        return int(self._lengths.sum())

    def __getitem__(self, slots: Ints) -> Pixels:
        part, place = np.divmod(slots, self.part_frames)
        wanted = np.unique(part).tolist()
        if len(wanted) == 1:
            return self._parts[wanted[0]][place]
        pixels = np.empty((len(slots), *self._parts[0].shape[1:]), np.uint8)
        for number in wanted:
            of_part = part == number
            pixels[of_part] = self._parts[number][place[of_part]]
        return pixels

    def has(self, slots: Ints) -> NDArray[np.bool_]:
        """Which of some slots are packed, bool [M]."""
        part, place = np.divmod(slots, self.part_frames)
        return np.asarray(place < self._lengths[part])

    def require(self, height: int, width: int, num_slots: int, *, whole: bool) -> None:
        """Refuse pixels of another size, and parts that are not those of so many slots.

        Args:
            height: of the pixels.
            width: theirs.
            num_slots: that are asked for.
            whole: each of them must be packed.

        Raises:
            ValueError: with what is there.
        """
        of_size = all(part.shape[1:] == (height, width, 3) for part in self._parts)
        last = np.minimum(num_slots - self.part_frames * np.arange(len(self._parts)), self.part_frames)
        is_there = self.part_frames * len(self._parts) >= num_slots
        if not (of_size and is_there and (not whole or (self._lengths >= last).all())):
            shapes = ", ".join(str(part.shape) for part in self._parts[:3])
            raise ValueError(
                f"{self.files[0] if self.files else 'no file'}: {len(self.files)} parts of {shapes} pixels, "
                f"expected {num_slots} frames of {height} x {width}"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return PackedPixels, (self.files, self.part_frames)


@dataclass(frozen=True)
class PartlyPacked:
    """The pixels of frames of which some are packed; the others are decoded at each use.

    Attributes:
        packed: those that are.
        files: all of them.
    """

    packed: PackedPixels
    files: FrameFiles

    def __getitem__(self, slots: Ints) -> Pixels:
        is_packed = self.packed.has(slots)
        pixels = np.empty((len(slots), self.files.height, self.files.width, 3), np.uint8)
        if is_packed.any():
            pixels[is_packed] = self.packed[slots[is_packed]]
        if not is_packed.all():
            pixels[~is_packed] = self.files[slots[~is_packed]]
        return pixels
