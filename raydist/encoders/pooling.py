"""From feature maps to one vector a frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

NUM_STRIPES = 4
STRIPE_WIDTH = 256


class Mean(nn.Module):
    """The mean over all positions."""

    def forward(self, maps: Tensor) -> Tensor:
        """[M, C, h, w] -> [M, C]."""
        return maps.mean((2, 3))


class GeneralizedMean(nn.Module):
    """GeM with a fixed exponent (Radenovic et al., TPAMI 2019, Eq. 3), between mean and maximum.

    Args:
        exponent: p; 3 in AGW (Ye et al., TPAMI 2021).
    """

    def __init__(self, exponent: float = 3.0) -> None:
        super().__init__()
        self.exponent = exponent

    def forward(self, maps: Tensor) -> Tensor:
        """[M, C, h, w], >= 0, -> [M, C]."""
        return (maps.pow(self.exponent).mean((2, 3)) + 1e-12).pow(1 / self.exponent)


class Stripes(nn.Module):
    """Means over horizontal stripes beside the global maximum, mixed by one linear layer.

    People stand upright: a stripe is about a part of the body (after the uniform partition of PCB, Sun et
    al., ECCV 2018).

    Args:
        channels: C of the maps.
        width: D of the result.
        num_stripes: stripes from top to bottom.
    """

    def __init__(self, channels: int, width: int, *, num_stripes: int = NUM_STRIPES) -> None:
        super().__init__()
        self.num_stripes = num_stripes
        self.mix = nn.Linear((num_stripes + 1) * channels, width, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """[M, C, h, w] -> [M, D]."""
        stripes = functional.adaptive_avg_pool2d(maps, (self.num_stripes, 1)).flatten(1)
        return self.mix(torch.cat([stripes, maps.amax((2, 3))], dim=1))


def unchanged(channels: int) -> int:
    """The width of a pooling that gives a value for each channel."""
    return channels


@dataclass(frozen=True)
class Pooling:
    """How maps become vectors.

    Attributes:
        build: from the channels C of the maps to a module [M, C, h, w] -> [M, D].
        width: from C to D.
    """

    build: Callable[[int], nn.Module]
    width: Callable[[int], int] = unchanged


MEAN = Pooling(lambda channels: Mean())
GEM = Pooling(lambda channels: GeneralizedMean())
STRIPES = Pooling(lambda channels: Stripes(channels, STRIPE_WIDTH), lambda channels: STRIPE_WIDTH)
