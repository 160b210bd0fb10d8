"""What the published image methods do to a picture last: erase a box, then copy or mix its channels.

Both act on normalised pixels, (value - mean) / deviation for each channel. What a box is filled with is thus
in units of the deviation, and a channel that is copied to all three is not an even grey: each channel has a
mean and a deviation of its own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from raydist.randomness import stream
from raydist.types import PixelStatistics

ERASED = (0.4914, 0.4822, 0.4465)
"""What a box is filled with where it has no noise: in the published code constants for normalised channels,
though they are the mean colour of CIFAR-10 on levels from 0 to 1."""


class DrawnBox(NamedTuple):
    """A box to be erased: the first of some that fits into the frame.

    Attributes:
        tries: share of the frame, and height over width, of each box that is tried.
        down: position, from 0 to 1, in the room that is left above and below.
        right: position in the room to the left and right.
        noise: the seed of the standard normal noise that fills the box; None for `ERASED`.
    """

    tries: tuple[tuple[float, float], ...]
    down: float
    right: float
    noise: int | None = None

    def pixels(self, height: int, width: int) -> tuple[int, int, int, int] | None:
        """Top, left, height and width in a frame of this size; None where none of the boxes is smaller.

        >>> DrawnBox(((0.5, 5.0), (0.125, 0.5)), down=0.5, right=0.0).pixels(16, 8)
        (7, 0, 3, 6)
        """
        for area, aspect in self.tries:
            tall = round(math.sqrt(area * height * width * aspect))
            wide = round(math.sqrt(area * height * width / aspect))
            if tall < height and wide < width:
                top, left = int(self.down * (height - tall + 1)), int(self.right * (width - wide + 1))
                return top, left, tall, wide
        return None


class NormalisedChange(NamedTuple):
    """What is done to all normalised frames of a clip; the default does nothing.

    Attributes:
        box: what is erased first, or None.
        grey: weights of the channels in the sum that then replaces all three, or None.
    """

    box: DrawnBox | None = None
    grey: tuple[float, float, float] | None = None


def change_normalised(
    clips: Tensor, changes: Sequence[NormalisedChange | None], statistics: PixelStatistics
) -> Tensor:
    """Change clips as if they were normalised.

    Args:
        clips: float32 [B, T, 3, H, W] in [0, 1]; left alone.
        changes: of the B clips.
        statistics: by which the encoder normalises.

    Returns:
        float32 [B, T, 3, H, W] such that normalising gives the changed clips: values may lie outside [0, 1].
        Clips without a change are exactly as they were.

    >>> clip = torch.full((1, 1, 3, 1, 1), 0.5)
    >>> even = PixelStatistics((0.5, 0.25, 0.0), (0.5, 0.5, 0.25))
    >>> change_normalised(clip, [NormalisedChange(grey=(0.0, 1.0, 0.0))], even).flatten()
    tensor([0.7500, 0.5000, 0.1250])
    """
    chosen = {b: change for b, change in enumerate(changes) if change is not None and any(change)}
    if not chosen:
        return clips
    mean, deviation = (torch.tensor(values, device=clips.device).view(3, 1, 1) for values in statistics)
    rows = torch.tensor(list(chosen), device=clips.device)
    normalised = (clips[rows] - mean) / deviation
    for clip, change in zip(normalised, chosen.values(), strict=True):
        if change.box is not None:
            _erase(clip, change.box)
    weights = torch.tensor([change.grey or (0.0, 0.0, 0.0) for change in chosen.values()])
    mixed = (normalised * weights.to(clips.device).view(-1, 1, 3, 1, 1)).sum(2, keepdim=True)
    is_grey = torch.tensor([change.grey is not None for change in chosen.values()])
    changed = torch.where(is_grey.to(clips.device).view(-1, 1, 1, 1, 1), mixed, normalised)
    return clips.index_copy(0, rows, changed * deviation + mean)


def _erase(clip: Tensor, box: DrawnBox) -> None:
    """Fill the box in all frames of one normalised clip [T, 3, H, W], in place."""
    place = box.pixels(*clip.shape[-2:])
    if place is None:
        return
    top, left, tall, wide = place
    if box.noise is None:
        filling = torch.tensor(ERASED).view(3, 1, 1)
    else:
        filling = torch.from_numpy(stream(box.noise, "noise").standard_normal((3, tall, wide), np.float32))
    clip[:, :, top : top + tall, left : left + wide] = filling.to(clip.device)
