"""Resizing as two matrices, which any program of tensors can run; within a grey level of `resized`.

A resize is a weighted mean along each axis, so it is ``rows @ picture @ columns'``. The weights follow from
the sizes alone, also where these are known only when a picture comes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from raydist.data.frames.resizing import AREA


@dataclass(frozen=True)
class _Filter:
    """One of Pillow's filters: its half width in new pixels, and its weights by the distance from the
    centre."""

    support: float
    weights: Callable[[Tensor], Tensor]


def _triangle(distance: Tensor) -> Tensor:
    return (1 - distance).clamp(min=0)


def _cubic(distance: Tensor) -> Tensor:
    """Keys' cubic with a = -0.5."""
    near = (1.5 * distance - 2.5) * distance * distance + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return torch.where(distance < 1, near, torch.where(distance < 2, far, 0.0))


def _lanczos(distance: Tensor) -> Tensor:
    """Three lobes of a windowed sinc."""
    return torch.where(distance < 3, _sinc(distance) * _sinc(distance / 3), 0.0)


def _sinc(distance: Tensor) -> Tensor:
    angle = math.pi * distance
    return torch.where(distance > 0, torch.sin(angle) / angle.clamp(min=1e-12), 1.0)


_FILTERS = {"bilinear": _Filter(1, _triangle), "bicubic": _Filter(2, _cubic), "lanczos": _Filter(3, _lanczos)}


class Resize(nn.Module):
    """Pictures of any size at one size.

    Args:
        height: wanted, in pixels.
        width: wanted, in pixels.
        resize: see `raydist.data.frames.resizing.resized`.
    """

    def __init__(self, *, height: int, width: int, resize: str = AREA) -> None:
        super().__init__()
        self.height, self.width, self.resize = height, width, resize

    def forward(self, pictures: Tensor) -> Tensor:
        """Float32 [M, 3, height, width], whole grey levels from 0 to 255.

        Args:
            pictures: float32 [M, 3, h, w], whole grey levels.
        """
        across = self._weights(pictures.shape[3], self.width, pictures)
        down = self._weights(pictures.shape[2], self.height, pictures)
        if self.resize == AREA:
            return _whole(down @ pictures @ across.T)
        # Pillow rounds between the two passes; it begins with the one that leaves less to the other
        tall = torch.scalar_tensor(pictures.shape[2] * self.width) > pictures.shape[3] * self.height
        return torch.where(
            tall, _whole(_whole(down @ pictures) @ across.T), _whole(down @ _whole(pictures @ across.T))
        )

    def _weights(self, size: int, wanted: int, pictures: Tensor) -> Tensor:
        """[wanted, size], rows of sum 1."""
        old = torch.arange(size, device=pictures.device, dtype=torch.float32)
        new = torch.arange(wanted, device=pictures.device, dtype=torch.float32)
        if self.resize != AREA:
            return _filtered(old, new, _FILTERS[self.resize])
        # 1 where the picture shrinks both ways, 0 where it grows, as a tensor: sizes come with the picture
        height, width = (torch.scalar_tensor(side) for side in pictures.shape[2:])
        shrinks = (height >= self.height) & (width >= self.width)
        return torch.where(shrinks, _by_area(old, new), _linear(old, new))


def _by_area(old: Tensor, new: Tensor) -> Tensor:
    """The share of a new pixel that each old one covers."""
    scale = old.shape[0] / new.shape[0]
    first, last = new[:, None] * scale, (new[:, None] + 1) * scale
    shared = torch.minimum(last, old + 1) - torch.maximum(first, old)
    return _of_sum_1(shared.clamp(min=0))


def _linear(old: Tensor, new: Tensor) -> Tensor:
    """Between the two nearest old pixels, beyond the edge the outermost."""
    centre = ((new + 0.5) * (old.shape[0] / new.shape[0]) - 0.5).clamp(min=0)
    centre = torch.minimum(centre, torch.scalar_tensor(old.shape[0] - 1))
    return _triangle((old - centre[:, None]).abs())


def _filtered(old: Tensor, new: Tensor, kind: _Filter) -> Tensor:
    """A filter as wide as a new pixel where the picture shrinks, as an old one where it grows."""
    scale = old.shape[0] / new.shape[0]
    stretch = torch.scalar_tensor(scale).clamp(min=1)
    centre = (new[:, None] + 0.5) * scale
    first = (centre - kind.support * stretch + 0.5).floor()
    last = (centre + kind.support * stretch + 0.5).floor()
    weights = kind.weights(((old + 0.5 - centre) / stretch).abs())
    return _of_sum_1(torch.where((old >= first) & (old < last), weights, 0.0))


def _of_sum_1(weights: Tensor) -> Tensor:
    return weights / weights.sum(1, keepdim=True)


def _whole(pictures: Tensor) -> Tensor:
    return (pictures + 0.5).floor().clamp(0, 255)
