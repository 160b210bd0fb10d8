"""Tokens of vision transformers: a class token and the patches of a frame, with position embeddings.

The position embedding keeps the grid it was published with and is resized bicubically in every forward pass,
so that one set of weights serves frames of all sizes that are multiples of the patch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from raydist.errors import DataError

PATCH = 16
"""Pixels along a side of a patch."""


class Tokens(nn.Module):
    """The class token, then the patches row by row, each with the embedding of its position.

    Args:
        width: D.
        grid: rows and columns of patches in the frames that the weights were published for.
    """

    def __init__(self, width: int, *, grid: tuple[int, int]) -> None:
        super().__init__()
        self.grid = grid
        self.class_embedding = nn.Parameter(width**-0.5 * torch.randn(width))
        self.positional_embedding = nn.Parameter(width**-0.5 * torch.randn(grid[0] * grid[1] + 1, width))

    def forward(self, patches: Tensor) -> Tensor:
        """[M, D, h, w] -> [M, 1 + h w, D]."""
        height, width = patches.shape[2:]
        first = self.class_embedding.expand(patches.shape[0], 1, -1)
        tokens = torch.cat([first, patches.flatten(2).transpose(1, 2)], dim=1)
        return tokens + resize_positions(self.positional_embedding, height, width, grid=self.grid)


class ClassToken(nn.LayerNorm):
    """The class token alone, normalised."""

    def forward(self, tokens: Tensor) -> Tensor:
        """[M, n, D] -> maps of one position, [M, D, 1, 1]."""
        return super().forward(tokens[:, 0])[:, :, None, None]


def resize_positions(positions: Tensor, height: int, width: int, *, grid: tuple[int, int]) -> Tensor:
    """Position embeddings of one grid for another, bicubically; that of the class token stays.

    Args:
        positions: [1 + g k, D], the class token first, then the grid row by row.
        height: h, in patches.
        width: w, in patches.
        grid: its rows g and columns k.

    Returns:
        [1 + h w, D]; the same values where h = g and w = k.

    >>> resize_positions(torch.arange(1.0 + 2 * 2).unsqueeze(1), 2, 2, grid=(2, 2)).flatten().tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0]
    """
    num_cells = len(positions) - 1
    # resizing the unit grids gives it as a matrix, whose gradient, unlike that of the resizing, is
    # deterministic on GPUs
    units = torch.eye(num_cells, dtype=positions.dtype, device=positions.device).view(1, num_cells, *grid)
    weights = functional.interpolate(units, size=(height, width), mode="bicubic")[0].flatten(1)
    return torch.cat([positions[:1], weights.T @ positions[1:]])


def check_patches(frames: Tensor) -> None:
    """Refuse frames [M, 3, H, W] that patches do not fill.

    Raises:
        DataError: a side of the frames is not a multiple of 16.
    """
    height, width = frames.shape[2:]
    if height % PATCH or width % PATCH:
        raise DataError(
            f"frames of {height} x {width} pixels: this encoder cuts them into patches of {PATCH} x {PATCH}; "
            f"give a height and a width that are multiples of {PATCH}, such as 288 x 144 or 256 x 128"
        )
