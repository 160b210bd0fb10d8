"""The image tower of CLIP (Radford et al., ICML 2021): a vision transformer with the parameter names of OpenAI.

The feature of a frame is the class token after the last normalisation (`ln_post`), 768 wide for ViT-B/16. CLIP's linear map
from there to the 512 dimensions it shares with text (`proj`) is left out: CLIP-ReID (Li et al., AAAI 2023) takes features from
both sides of it, the second because it compares with texts.

Frames may have any height and width that are multiples of the patch size. The position embedding keeps the grid it was
published with and is resized bicubically in every forward pass, so that one set of weights serves all sizes.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

from raydist.encoders.backbone import Backbone, PixelStatistics
from raydist.encoders.transformer import Block
from raydist.encoders.weights import State
from raydist.errors import DataError

PATCH = 16
GRID = 14
"""Patches along a side of the 224 x 224 images that CLIP was trained with."""

PIXELS = PixelStatistics((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
"""Statistics of CLIP's training images."""

TOWER = "visual."
EMBEDDINGS = ("class_embedding", "positional_embedding")
PROJECTION = "proj"


class QuickGELU(nn.Module):
    """x sigmoid(1.702 x), which CLIP was trained with."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape."""
        return x * torch.sigmoid(1.702 * x)


class PatchEmbedding(nn.Conv2d):
    """One linear map of every patch; patches do not overlap.

    Args:
        width: D.
    """

    def __init__(self, width: int) -> None:
        super().__init__(3, width, PATCH, PATCH, bias=False)

    def forward(self, frames: Tensor) -> Tensor:
        """[M, 3, H, W] -> [M, D, H / 16, W / 16].

        Raises:
            DataError: a side of the frames is not a multiple of 16.
        """
        height, width = frames.shape[2:]
        if height % PATCH or width % PATCH:
            raise DataError(
                f"frames of {height} x {width} pixels: this encoder cuts them into patches of {PATCH} x {PATCH}; "
                f"give a height and a width that are multiples of {PATCH}, such as 288 x 144 or 256 x 128"
            )
        return super().forward(frames)


class Tokens(nn.Module):
    """The class token, then the patches row by row, each with the embedding of its position.

    Args:
        width: D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.class_embedding = nn.Parameter(width**-0.5 * torch.randn(width))
        self.positional_embedding = nn.Parameter(width**-0.5 * torch.randn(GRID**2 + 1, width))

    def forward(self, patches: Tensor) -> Tensor:
        """[M, D, h, w] -> [M, 1 + h w, D]."""
        height, width = patches.shape[2:]
        first = self.class_embedding.expand(len(patches), 1, -1)
        tokens = torch.cat([first, patches.flatten(2).transpose(1, 2)], dim=1)
        return tokens + resize_positions(self.positional_embedding, height, width)


class ClassToken(nn.LayerNorm):
    """The class token alone, normalised."""

    def forward(self, tokens: Tensor) -> Tensor:
        """[M, n, D] -> maps of one position, [M, D, 1, 1]."""
        return super().forward(tokens[:, 0])[:, :, None, None]


def resize_positions(positions: Tensor, height: int, width: int) -> Tensor:
    """Position embeddings of a square grid for another grid, bicubically; that of the class token stays.

    Args:
        positions: [1 + g g, D], the class token first, then the grid row by row.
        height: h, in patches.
        width: w, in patches.

    Returns:
        [1 + h w, D]; the same values where h = w = g.

    >>> resize_positions(torch.arange(1.0 + 2 * 2).unsqueeze(1), 2, 2).flatten().tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0]
    """
    num_cells = len(positions) - 1
    side = round(num_cells**0.5)
    # resizing the unit grids gives it as a matrix, whose gradient, unlike that of the resizing, is deterministic on GPUs
    units = torch.eye(num_cells, device=positions.device).view(1, num_cells, side, side)
    weights = functional.interpolate(units, size=(height, width), mode="bicubic")[0].flatten(1)
    return torch.cat([positions[:1], weights.T @ positions[1:]])


def image_tower(state: State) -> State:
    """The tensors of the image tower, under the names they have in the layers of `clip_vit`.

    Args:
        state: the whole of CLIP (names of the tower begin with ``visual.``) or the tower alone.
    """
    tower = {name.removeprefix(TOWER): value for name, value in state.items() if name.startswith(TOWER)} or state
    return {f"tokens.{name}" if name in EMBEDDINGS else name: value for name, value in tower.items() if name != PROJECTION}


def clip_vit(*, depth: int, width: int, heads: int) -> Backbone:
    """An image tower; with two streams each modality has its own patch embedding, and styles are exchanged after it.

    Args:
        depth: number of blocks.
        width: D.
        heads: of the attention; D is a multiple of it.
    """
    blocks = [Block(width, heads=heads, activation=QuickGELU()) for _ in range(depth)]
    layers = OrderedDict(
        conv1=PatchEmbedding(width),
        tokens=Tokens(width),
        ln_pre=nn.LayerNorm(width),
        transformer=nn.Sequential(OrderedDict(resblocks=nn.Sequential(*blocks))),
        ln_post=ClassToken(width),
    )
    return Backbone(nn.Sequential(layers), stem=1, early=1, channels=width, pooled=True, pixels=PIXELS, select=image_tower)


def clip_vit_b16() -> Backbone:
    """ViT-B/16: 12 blocks, 768 wide, 12 heads."""
    return clip_vit(depth=12, width=768, heads=12)
