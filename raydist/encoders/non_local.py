"""Non-local blocks: every position of a map sees all others."""

from __future__ import annotations

from torch import Tensor, nn


class NonLocal(nn.Module):
    """x + BN(W y) with y_i = 1/n sum_j (theta x_i . phi x_j) g x_j.

    Wang et al., CVPR 2018, Eqs. 1, 4 and 6, dot product. The scale of the batch normalisation starts at zero,
    so that the block starts as the identity. W itself must not: the gradients of both would be zero for ever.

    Args:
        channels: C; the inner width is half of it.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
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
