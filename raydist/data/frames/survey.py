"""What the cameras of a data set write: bits, used values, and how many grey levels are left of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from raydist.data.frames.decoding import Span, to_eight_bits
from raydist.data.frames.measuring import frame_values
from raydist.data.frames.paths import FramePaths
from raydist.data.frames.ranges import Ranges
from raydist.data.tracklets import TrackletTable
from raydist.errors import DataError
from raydist.plurals import counted
from raydist.types import Modality

Frame = TypeVar("Frame")

FRAMES_OF_A_CAMERA = 8
FEW_LEVELS = 32
LOST_SHARE = 0.5
"""A camera is warned of where this share of the levels that its frames could have is lost."""

_SUGGESTED = (0.1, 99.9)
"""Percentiles of the sampled values that a warning suggests as a range."""


@dataclass(frozen=True)
class CameraPixels:
    """What sampled frames of a camera in one modality hold.

    Attributes:
        camera: its name.
        modality: whose frames were looked at.
        type: number type of the stored values, such as ``uint16``; of several the widest.
        low: the smallest stored value.
        high: the largest.
        suggested: a range without outliers; without any width where all values are equal.
        span: the range in force, None for the full one.
        levels: how many of 256 grey levels a frame keeps, the median over the frames.
        possible_levels: how many it would keep in the suggested range, likewise; at least `levels`.
        in_both: the camera has frames of the other modality too, so that a range of its own would hold for
            these as well.
    """

    camera: str
    modality: Modality
    type: np.dtype[Any]
    low: float
    high: float
    suggested: tuple[float, float]
    span: Span
    levels: int
    possible_levels: int
    in_both: bool = False

    @property
    def bits(self) -> int:
        """Bits of a stored value."""
        return self.type.itemsize * 8

    @property
    def loses_levels(self) -> bool:
        """Whether frames of more than 8 bits, or under a declared range, lose most of their levels."""
        at_risk = self.bits > 8 or self.span is not None
        return at_risk and self.levels < FEW_LEVELS and self.levels < LOST_SHARE * self.possible_levels

    @property
    def is_blind(self) -> bool:
        """Whether at most one grey level is left of frames that have several values."""
        return self.loses_levels and self.levels <= 1

    def warning(self) -> str:
        """What is wrong and which key mends it."""
        low, high = self.suggested
        bounds = f"[{low:g},{high:g}]" if isinstance(low, float) else f"[{low},{high}]"
        name = self.modality.label if self.in_both else self.camera
        plain = re.fullmatch(r"[\w-]+", name)
        key = f"data.range.{name}={bounds}" if plain else f"data.range={{'{name}': {bounds}}}"
        others = "" if self.in_both else f" (data.range.{self.modality.label} holds for its whole modality)"
        given = "the full range" if self.span is None else "their declared range"
        return (
            f"camera {self.camera} ({self.modality.label}): its frames of {self.bits} bits keep "
            f"{counted(self.levels, 'grey level')} in {given}, and would keep {self.possible_levels} with "
            f"{key}{others}"
        )


def survey(table: TrackletTable, ranges: Ranges) -> list[CameraPixels]:
    """Look at some frames of every camera in each modality.

    Args:
        table: the tracklets; frames that cannot be read are passed over.
        ranges: the ranges in force, in numbers.

    Returns:
        By camera and modality; cameras without a readable frame among the sampled ones are left out.
    """
    return list(_surveyed(table, ranges))


def range_warnings(table: TrackletTable, ranges: Ranges) -> list[str]:
    """One line for each camera whose frames lose most of their grey levels.

    Raises:
        DataError: a camera has at most one grey level left, see `require_grey_levels`.
    """
    cameras = survey(table, ranges)
    require_grey_levels(cameras)
    return [pixels.warning() for pixels in cameras if pixels.loses_levels]


def require_grey_levels(cameras: Sequence[CameraPixels]) -> None:
    """Refuse ranges that leave at most one grey level of what a camera shows: its frames are all alike.

    Raises:
        DataError: with the range to declare for each such camera.
    """
    if lines := [pixels.warning() for pixels in cameras if pixels.is_blind]:
        raise DataError("\n".join(lines))


def _surveyed(table: TrackletTable, ranges: Ranges) -> Iterator[CameraPixels]:
    paths, num_frames = FramePaths.of(table), table.num_frames
    of_rows = list(zip(table.camera.tolist(), table.modality.tolist(), strict=True))
    places = {kind: place for place, kind in enumerate(sorted(set(of_rows)))}
    kind_of_frame = np.repeat(np.array([places[kind] for kind in of_rows], np.int32), num_frames)
    for (camera, of), place in places.items():
        modality = Modality(of)
        of_kind = np.flatnonzero(kind_of_frame == place)
        frames = [paths[int(of_kind[number])] for number in sampled(range(len(of_kind)))]
        values = list(frame_values(Path(table.root), frames))
        if values:
            pixels = camera_pixels(values, camera, modality, ranges.span(camera, modality))
            yield replace(pixels, in_both=(camera, 1 - of) in places)


def sampled(frames: Sequence[Frame]) -> list[Frame]:
    """At most `FRAMES_OF_A_CAMERA` of a camera's frames, at equal distances.

    >>> sampled(range(15))
    [0, 2, 4, 6, 8, 10, 12, 14]
    """
    places = np.linspace(0, len(frames) - 1, min(len(frames), FRAMES_OF_A_CAMERA)).astype(int)
    return [frames[place] for place in places]


def camera_pixels(
    values: Sequence[NDArray[Any]], camera: str, modality: Modality, span: Span
) -> CameraPixels:
    """What sampled frames of a camera hold.

    Args:
        values: of each frame those that `raydist.data.frames.measuring.some_values` gives; at least one.
        camera: its name.
        modality: of the frames.
        span: the range in force.
    """
    widest = max((frame.dtype for frame in values), key=lambda kind: kind.itemsize)
    every = np.concatenate(values)
    suggested = _without_outliers(every, whole=bool(np.issubdtype(widest, np.integer)))
    levels = int(np.median([_levels(frame, span) for frame in values]))
    return CameraPixels(
        camera,
        modality,
        widest,
        low=every.min().item(),
        high=every.max().item(),
        suggested=suggested,
        span=span,
        levels=levels,
        possible_levels=max(levels, _possible_levels(values, suggested)),
    )


def _without_outliers(values: NDArray[Any], *, whole: bool) -> tuple[float, float]:
    """The range that a warning suggests: all values where nearly all are equal."""
    low, high = np.percentile(values, _SUGGESTED).tolist()
    if not low < high:
        low, high = values.min().item(), values.max().item()
    return (int(np.floor(low)), int(np.ceil(high))) if whole else (low, high)


def _possible_levels(values: Sequence[NDArray[Any]], suggested: tuple[float, float]) -> int:
    """The median over the frames of the grey levels that they would keep in the suggested range."""
    low, high = suggested
    return int(np.median([_levels(frame, (low, high)) for frame in values])) if low < high else 1


def _levels(frame: NDArray[Any], span: Span) -> int:
    try:
        return len(np.unique(to_eight_bits(frame, span)))
    except DataError:
        return 0  # fractions without a range
