"""A tracklet as a page shows it: some of its frames, and where it was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from raydist.reports.pictures import Picture, frame_strip
from raydist.types import UNKNOWN_IDENTITY, FrameReader, Modality


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

    @property
    def identity(self) -> NDArray[Any] | None:
        """Int64 [N], UNKNOWN_IDENTITY = -1; None where none is known."""


@dataclass(frozen=True)
class ShownTracklet:
    """A tracklet as the page shows it: some of its frames, and where it was recorded.

    Attributes:
        picture: None where the page shows no frames.
        tracklet_id, modality, camera: of the tracklet.
        identity: as text; None where it is not known.
    """

    picture: Picture | None
    tracklet_id: str
    modality: str
    camera: str
    identity: str | None = None


def shown_tracklet(
    row: int, table: Described, frames: FrameReader | None, *, num_frames: int
) -> ShownTracklet:
    """A row of a table, with some of its frames.

    Args:
        row: of the tracklet.
        table: what is known of it.
        frames: the frames of the same rows; None for a page without any.
        num_frames: how many are shown; fewer if the tracklet is shorter.
    """
    identity = UNKNOWN_IDENTITY if table.identity is None else int(table.identity[row])
    return ShownTracklet(
        None if frames is None else frame_strip(frames, row, num_frames=num_frames),
        str(table.tracklet_id[row]),
        Modality(table.modality[row]).label,
        str(table.camera[row]),
        None if identity == UNKNOWN_IDENTITY else str(identity),
    )
