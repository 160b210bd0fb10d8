"""How far two samples of features are apart as distributions."""

from __future__ import annotations

import torch
from torch import Tensor

WIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Kernel widths in units of the mean squared distance (Long et al., DAN, ICML 2015)."""


def maximum_mean_discrepancy(first: Tensor, second: Tensor) -> Tensor:
    """The unbiased squared MMD under a sum of Gaussian kernels (Gretton et al., JMLR 2012, Eq. (3)).

    k(u, v) = sum_w exp(-||u - v||^2 / (w b)) over `WIDTHS`, b the mean squared distance of all pairs of rows,
    through which no gradient flows; the value is the mean of k within the first and within the second, over
    pairs of different rows, less twice the mean of k across. It can be slightly negative: it is right on
    average, not for each draw.

    Args:
        first: [B, D], of any length.
        second: [B, D]; its rows need not correspond to those of the first.

    Returns:
        A scalar; zero, still with a graph, for fewer than two rows.

    >>> line = torch.tensor([[0.0], [1.0]])
    >>> round(float(maximum_mean_discrepancy(line, line + 100)), 2)
    7.13
    """
    count = len(first)
    if count < 2:
        return (first.sum() + second.sum()) * 0
    rows = torch.cat([first, second])
    distance = _squared_distances(rows)
    bandwidth = distance.detach().sum() / (len(rows) * (len(rows) - 1))
    scales = torch.tensor(WIDTHS, device=rows.device, dtype=rows.dtype) * bandwidth
    kernel = torch.exp(-distance / scales.clamp(min=torch.finfo(rows.dtype).tiny)[:, None, None]).sum(dim=0)
    itself = torch.eye(count, dtype=torch.bool, device=rows.device)
    within = (
        kernel[:count, :count].masked_fill(itself, 0).sum()
        + kernel[count:, count:].masked_fill(itself, 0).sum()
    )
    return within / (count * (count - 1)) - 2 * kernel[:count, count:].mean()


def _squared_distances(rows: Tensor) -> Tensor:
    """[n, n], by differences of products: sums of squares of differences would hold [n, n, D]."""
    squares = rows.square().sum(dim=1)
    return (squares[:, None] + squares - 2 * rows @ rows.T).clamp(min=0)
