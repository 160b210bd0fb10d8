"""Non-local blocks: every position of a map sees all others."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

NonLocalWidth = Literal["off", "one", "half"]
"""The inner width of the blocks: 1 as in ADCA, PGM and BMIL, half the channels as in DMDL; or no blocks."""


class NonLocal(nn.Module):
    """x + BN(W y) with y_i = 1/n sum_j (theta x_i . phi x_j) g x_j.

    Wang et al., CVPR 2018, Eqs. 1, 4 and 6, dot product. The scale of the batch normalisation starts at zero,
    so that the block starts as the identity. W itself must not: the gradients of both would be zero for ever.

    Args:
        channels: C.
        inner: the width of theta, phi and g.
    """

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.theta = nn.Conv2d(channels, inner, 1)
        self.phi = nn.Conv2d(channels, inner, 1)
        self.g = nn.Conv2d(channels, inner, 1)
        self.w = nn.Conv2d(inner, channels, 1)
        self.bn = nn.BatchNorm2d(channels)
        nn.init.zeros_(self.bn.weight)

    def forward(self, x: Tensor) -> Tensor:
        """[M, C, h, w] -> [M, C, h, w]."""
        theta, phi, g = (layer(x).flatten(2) for layer in (self.theta, self.phi, self.g))
        # (theta phi') g = theta (phi' g): the n x n affinities are never stored
        y = (g @ phi.transpose(1, 2)) @ theta / theta.shape[2]
        return x + self.bn(self.w(y.unflatten(2, x.shape[2:])))
