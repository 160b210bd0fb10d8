"""Clips in the light of another spectrum: low-frequency amplitudes come from another frame.

Fourier domain adaptation (Yang and Soatto, FDA, CVPR 2020): the phase of a picture says what is there, and
the amplitude of its low frequencies says how it is lit. Only the few lowest frequencies change, so no whole
FFT is taken: two thin matrix products give their coefficients, and two more add the difference to the pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def reach(size: float, height: int, width: int) -> int:
    """The highest frequency b of the square -b..b that the relative half-size beta gives, in periods a frame.

    As in FDA's code, floor(beta min(H, W)); but at least 1 (the mean and its neighbours) and below half the
    shorter side. At 64 x 32 every beta from 0.01 to 0.05 thus gives the same 3 x 3 square; a frame of two
    rows or columns has only a mean.

    Args:
        size: beta, from 0 to 0.5.
        height: H.
        width: W.

    Returns:
        b.

    >>> reach(0.05, 288, 144), reach(0.01, 64, 32)
    (7, 1)
    """
    shorter = min(height, width)
    return min(max(1, math.floor(size * shorter)), (shorter - 1) // 2)


def swap_amplitude(frames: Tensor, donors: Tensor, reaches: Sequence[int], blend: Sequence[float]) -> Tensor:
    """Give every clip the low-frequency amplitudes of its donor frame.

    FDA, Eq. (3): the amplitude becomes (1 - lambda) |F(x)| + lambda |F(donor)| in the square -b..b around the
    mean, and the phase stays; one donor frame for all frames of a clip. An amplitude of 0, as in a black
    frame, counts as of phase 0.

    Args:
        frames: float [B, T, 3, H, W].
        donors: float [B, 3, H, W].
        reaches: b of each clip, below half the shorter side of a frame.
        blend: lambda of each clip, from 0 (nothing changes) to 1.

    Returns:
        float [B, T, 3, H, W], not clipped.

    >>> dark, bright = torch.full((1, 1, 3, 4, 4), 0.25), torch.ones(1, 3, 4, 4)
    >>> swap_amplitude(dark, bright, reaches=[1], blend=[0.5]).mean()
    tensor(0.6250)
    """
    height, width = frames.shape[-2:]
    down, right = torch.arange(-max(reaches), max(reaches) + 1), torch.arange(max(reaches) + 1)
    rows, columns = _waves(height, down, frames), _waves(width, right, frames)
    # the frequencies left of the mean are not computed: in a real picture they are the conjugates of those on
    # the right
    share = torch.where(right > 0, 2, 1) * _per_clip(blend) / (height * width)
    share = torch.where(torch.maximum(down.abs()[:, None], right) <= _per_clip(reaches), share, 0).to(frames)
    across = torch.view_as_real(columns).flatten(1)

    def coefficients(pixels: Tensor) -> Tensor:
        """[..., H, W] -> complex [..., 2b + 1, b + 1]."""
        return rows.T @ torch.view_as_complex((pixels @ across).unflatten(-1, (-1, 2)))

    own, other = coefficients(frames), coefficients(donors)[:, None]
    change = torch.polar(share * (other.abs() - own.abs()), own.angle())  # Eq. (3)
    return frames + torch.view_as_real(rows.conj() @ change).flatten(-2) @ across.T


def _waves(length: int, frequencies: Tensor, like: Tensor) -> Tensor:
    """complex [N, F]: e^(-2 pi i k n / N) at every place n of the frequencies k."""
    angle = torch.outer(torch.arange(length), frequencies).double() * (-2 * math.pi / length)
    return torch.view_as_complex(torch.stack([angle.cos(), angle.sin()], -1).to(like))


def _per_clip(values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64).view(-1, 1, 1, 1, 1)
