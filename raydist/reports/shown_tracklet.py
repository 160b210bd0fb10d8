"""A tracklet as a page shows it: some of its frames, and where it was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from raydist.reports.pictures import Picture, frame_strip
from raydist.types import FrameReader, Modality


class Described(Protocol):
    """What is known of N tracklets: a table of tracklets or of features."""

    @property
    def tracklet_id(self) -> NDArray[Any]:
        """Str [N]."""

    @property
    def modality(self) -> NDArray[Any]:
        """Int8 [N] of `Modality`."""

    @property
    def camera(self) -> NDArray[Any]:
        """Str [N]."""


@dataclass(frozen=True)
class ShownTracklet:
    """A tracklet as the page shows it: some of its frames, and where it was recorded."""

    picture: Picture
    tracklet_id: str
    modality: str
    camera: str


def shown_tracklet(row: int, table: Described, frames: FrameReader, *, num_frames: int) -> ShownTracklet:
    """A row of a table, with some of its frames.

    Args:
        row: of the tracklet.
        table: what is known of it.
        frames: the frames of the same rows.
        num_frames: how many are shown; fewer if the tracklet is shorter.
    """
    label = Modality(table.modality[row]).label
    return ShownTracklet(
        frame_strip(frames, row, num_frames=num_frames),
        str(table.tracklet_id[row]),
        label,
        str(table.camera[row]),
    )
