"""The image tower of CLIP (Radford et al., ICML 2021), a vision transformer with OpenAI's parameter names.

The feature of a frame is the class token after the last normalisation (`ln_post`), 768 wide for ViT-B/16.
CLIP's linear map from there to the 512 dimensions it shares with text (`proj`) is left out: CLIP-ReID (Li et
al., AAAI 2023) takes features from both sides of it, the second because it compares with texts.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial

import torch
from torch import Tensor, nn

from raydist.encoders.backbone import Backbone
from raydist.encoders.tokens import PATCH, ClassToken, Tokens, check_patches
from raydist.encoders.transformer import Block
from raydist.encoders.weights.files import State
from raydist.types import PixelStatistics

GRID = (14, 14)
"""Patches of the 224 x 224 images that CLIP was trained with."""

PIXELS = PixelStatistics((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
"""Statistics of CLIP's training images."""

EMBEDDINGS = ("class_embedding", "positional_embedding")


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
        check_patches(frames)
        return super().forward(frames)


def image_tower(state: State) -> State:
    """The tensors of CLIP, or of its image tower alone, under the names of the layers of `clip_vit`.

    >>> list(image_tower({"visual.class_embedding": torch.zeros(1), "visual.conv1.weight": torch.zeros(1)}))
    ['visual.tokens.class_embedding', 'visual.conv1.weight']
    """
    return {_renamed(name): value for name, value in state.items()}


def _renamed(name: str) -> str:
    before, dot, last = name.rpartition(".")
    ours = last in EMBEDDINGS and not before.endswith("tokens")
    return f"{before}{dot}tokens.{last}" if ours else name


def clip_vit(*, depth: int, width: int, heads: int) -> Backbone:
    """An image tower.

    With two streams each modality has its own patch embedding. Styles are exchanged after it.

    Args:
        depth: number of blocks.
        width: D.
        heads: of the attention; D is a multiple of it.
    """
    build = partial(_layers, depth=depth, width=width, heads=heads)
    return Backbone(build, stem=1, early=1, channels=width, pooled=True, pixels=PIXELS, select=image_tower)


def _layers(*, depth: int, width: int, heads: int) -> nn.Sequential:
    blocks = [Block(width, heads=heads, activation=QuickGELU()) for _ in range(depth)]
    layers = OrderedDict(
        conv1=PatchEmbedding(width),
        tokens=Tokens(width, grid=GRID),
        ln_pre=nn.LayerNorm(width),
        transformer=nn.Sequential(OrderedDict(resblocks=nn.Sequential(*blocks))),
        ln_post=ClassToken(width),
    )
    return nn.Sequential(layers)


CLIP_VIT_B16 = clip_vit(depth=12, width=768, heads=12)
