"""Colour jitter: brightness, contrast, saturation and hue, changed in a random order.

What torchvision's ColorJitter does to a Pillow image, done for a whole batch of clips: the same
distributions, and the same levels (a change of hue differs by one in a few of a million values). Each change
takes 8 bits to 8 bits; blends drop the fraction, and hue and saturation have 8 bits themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

LUMA_PARTS = (19595, 38470, 7471)
"""Weights of R, G and B in Pillow's grey pictures, in parts of 65,536 (ITU-R BT.601)."""

BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)


class Jitter(NamedTuple):
    """A colour jitter: factors around 1, a hue shift in turns, and the order of the four changes."""

    brightness: float = 1.0
    contrast: float = 1.0
    saturation: float = 1.0
    hue: float = 0.0
    order: tuple[int, ...] = (BRIGHTNESS, CONTRAST, SATURATION, HUE)


def draw_jitter(strength: float, rng: np.random.Generator) -> Jitter:
    """Draw the colour jitter of one clip.

    Args:
        strength: J; factors are drawn uniformly from 1 - J to 1 + J, and the shift of the hue from -J to J
            turns.
        rng: the clip's own generator.

    Returns:
        The jitter, with every order as likely.
    """
    brightness, contrast, saturation = rng.uniform(1 - strength, 1 + strength, 3).tolist()
    return Jitter(
        brightness, contrast, saturation, rng.uniform(-strength, strength), tuple(rng.permutation(4).tolist())
    )


def jitter_colours(clips: Tensor, jitters: Sequence[Jitter]) -> Tensor:
    """Change the colours of a batch of clips, each by its own jitter; every frame as if it were alone.

    Args:
        clips: uint8 [B, T, 3, H, W].
        jitters: of the B clips.

    Returns:
        float32 [B, T, 3, H, W], whole numbers from 0 to 255.

    >>> red = torch.tensor([200, 50, 50], dtype=torch.uint8).view(1, 1, 3, 1, 1)
    >>> jitters = Jitter(brightness=0.5), Jitter(hue=1 / 3)
    >>> tuple(jitter_colours(red, [jitter]).flatten() for jitter in jitters)
    (tensor([100.,  25.,  25.]), tensor([ 50., 200.,  50.]))
    """
    levels = clips.float()
    for changes in zip(*(jitter.order for jitter in jitters), strict=True):
        levels = _blend(levels, changes, jitters)
        rows = [b for b, change in enumerate(changes) if change == HUE]
        if rows:
            levels[rows] = _shift_hue(levels[rows], [jitters[b].hue for b in rows])
    return levels


def _blend(levels: Tensor, changes: Sequence[int], jitters: Sequence[Jitter]) -> Tensor:
    """Blend every clip with black, its mean grey or its grey picture, as its change asks.

    A change of hue blends with nothing.

    All three changes are base + factor (levels - base), so that one pass serves clips at different changes.
    """
    kind = torch.tensor(changes, device=levels.device).view(-1, 1, 1, 1, 1)
    factors = [
        1.0 if change == HUE else jitter[change] for change, jitter in zip(changes, jitters, strict=True)
    ]
    factor = torch.tensor(factors, dtype=levels.dtype, device=levels.device).view(-1, 1, 1, 1, 1)
    grey = _grey(levels)
    # a sum of levels is exact in float32 up to 65,793 pixels: the mean does not depend on the order of
    # summation
    mean = grey.mean((-2, -1), keepdim=True).add_(0.5).floor_()
    base = grey * (kind == SATURATION) + mean * (kind == CONTRAST)
    return (levels - base).mul_(factor).add_(base).clamp_(0, 255).floor_()


def _grey(levels: Tensor) -> Tensor:
    """[B, T, 1, H, W]: grey levels in whole numbers; all sums are exact in float32."""
    red, green, blue = (part * channel for part, channel in zip(LUMA_PARTS, levels.split(1, 2), strict=True))
    return (red + green).add_(blue).add_(32768).div_(65536).floor_()


def _shift_hue(levels: Tensor, turns: Sequence[float]) -> Tensor:
    """Turn the colours of every clip around the wheel, through Pillow's 8-bit hue, saturation and value."""
    value = levels.amax(2, keepdim=True)
    spread = value - levels.amin(2, keepdim=True)
    # fractions are dropped below: single and double precision take turns as in Pillow, to drop them at the
    # same levels
    red, green, blue = (
        (value - channel).div_(spread.clamp(min=1)).double() for channel in levels.split(1, 2)
    )
    sextant = torch.where(
        red == 0, blue - green, torch.where(green == 0, 2 + red - blue, 4 + green - red)
    ).float()
    hue = sextant.double().div_(6).add_(1).remainder_(1).float().double().mul_(255).floor_().float()
    saturation = (spread / value.clamp(min=1)).double().mul_(255).floor_().float().div_(255)
    steps = torch.tensor([int(turn * 255) for turn in turns], dtype=levels.dtype, device=levels.device)
    # the wheel has 255 steps, yet 8 bits start anew after 256
    sextant = hue.add_(steps.view(-1, 1, 1, 1, 1)).remainder_(256).mul_(6 / 255)
    return (value - value * saturation * (1 - _purity(sextant))).round_()


def _purity(sextant: Tensor) -> Tensor:
    """[B, T, 3, H, W]: R, G and B of the pure colours at [B, T, 1, H, W] on a wheel from 0 to 6."""
    centre = torch.tensor([3.0, 2.0, 4.0], device=sextant.device).view(3, 1, 1)
    sign = torch.tensor([1.0, -1.0, -1.0], device=sextant.device).view(3, 1, 1)
    at_centre = torch.tensor([-1.0, 2.0, 2.0], device=sextant.device).view(3, 1, 1)
    return (sextant - centre).abs_().mul_(sign).add_(at_centre).clamp_(0, 1)
