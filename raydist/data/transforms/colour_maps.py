"""Pseudo-colour: three colour maps give a grey picture the colours of a visible one.

The view of infrared images in DMDL (arXiv 2512.03745): each channel of the picture comes from another colour
map of OpenCV. OpenCV orders channels as B, G, R and the published code takes them as they come, so that the
first channel is the blue of the first map and the last one the red of the last map.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

CHOICES = (
    (cv2.COLORMAP_OCEAN, cv2.COLORMAP_CIVIDIS),
    (cv2.COLORMAP_INFERNO, cv2.COLORMAP_AUTUMN),
    (cv2.COLORMAP_DEEPGREEN, cv2.COLORMAP_JET),
)
"""The maps that each channel is taken from, each as likely."""


def draw_colour_maps(rng: np.random.Generator) -> tuple[int, ...]:
    """Draw one of the two maps for each channel: OpenCV's numbers of the three."""
    return tuple(CHOICES[channel][choice] for channel, choice in enumerate(rng.integers(2, size=3)))


def colour_tables(maps: Sequence[Sequence[int]]) -> Tensor:
    """What each grey level becomes in each channel of a clip.

    Args:
        maps: for each of B clips the numbers of three colour maps of OpenCV.

    Returns:
        float32 [B, 3, 256], whole numbers from 0 to 255.

    >>> colour_tables([(cv2.COLORMAP_OCEAN, cv2.COLORMAP_AUTUMN, cv2.COLORMAP_JET)])[0, :, 100]
    tensor([100., 100.,  18.])
    """
    levels = np.arange(256, dtype=np.uint8)[:, None]
    tables = {number: cv2.applyColorMap(levels, number)[:, 0] for clip in maps for number in clip}
    channels = [[tables[number][:, channel] for channel, number in enumerate(clip)] for clip in maps]
    return torch.from_numpy(np.array(channels, np.float32))
