"""The frames of a gallery's tracklets as JPEG, by row and number alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raydist.reports.pictures import jpeg
from raydist.types import FrameReader, Ints

MAX_HEIGHT = 320
"""Higher frames are shrunk to this height."""


@dataclass(frozen=True)
class Frames:
    """The frames of those of N tracklets that have any.

    Attributes:
        reader: of M tracklets.
        place: int64 [N], which of these each tracklet is; -1 where it is none.
    """

    reader: FrameReader
    place: Ints

    @classmethod
    def of(cls, reader: FrameReader, ids: NDArray[Any], wanted: NDArray[Any]) -> Frames:
        """Frames by the names of the tracklets.

        Args:
            reader: of M tracklets.
            ids: str [M], their names.
            wanted: str [N], the names of the gallery.
        """
        place_of = {name: place for place, name in enumerate(ids.tolist())}
        return cls(reader, np.array([place_of.get(name, -1) for name in wanted.tolist()], np.int64))

    def number(self, row: int) -> int:
        """How many frames a tracklet has; 0 where none are known."""
        place = int(self.place[row])
        return 0 if place < 0 else int(self.reader.num_frames[place])

    def jpeg(self, row: int, index: int) -> bytes:
        """A frame of a tracklet.

        Raises:
            IndexError: it has no such frame.
            DataError: the file cannot be read any more.
        """
        if not 0 <= index < self.number(row):
            raise IndexError(f"frame {index} of {self.number(row)}")
        pixels = self.reader.read(self.place[[row]], np.array([[index]]))[0, 0]
        return jpeg(pixels.transpose(1, 2, 0), max_height=MAX_HEIGHT)[0]
