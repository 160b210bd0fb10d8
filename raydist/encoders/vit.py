"""ViT-B/16 as it is used for re-identification, with a convolutional stem, and the shallow branch beside it.

TransReID (He et al., ICCV 2021) reads a frame's feature from the class token. TransReID-SSL (Luo et al.,
arXiv 2111.12084) cuts patches out of the maps of a small convolutional stem (ICS), whose normalisation is
half instance, half batch (IBN, Pan et al., ECCV 2018), and publishes weights trained without labels on the
person images of LUPerson. SDCL (Yang et al., CVPR 2024) and HIL (arXiv 2509.11587) give each modality a stem
of its own and add a shallow branch.

    `PatchEmbedding`       conv 7 x 7 / 2, IBN, ReLU, conv 3 x 3, IBN, ReLU, conv 3 x 3, BN, ReLU;
                           patches of 8 x 8
    `vit`                  blocks 1 to 12 on class token and patches, the class token normalised
    `with_shallow_branch`  the class token that leaves block 11, with the patches as they entered block 1,
                           through a copy of block 12 and of the normalisation

Deviations: the position embedding is resized in every pass, bicubically, as the published pretraining does
with its small crops, where the fine-tuning codes resize it once and bilinearly; no block is dropped at random
(they drop up to 10 %).
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from functools import partial

import torch
from torch import Tensor, nn

from raydist.encoders.backbone import Backbone
from raydist.encoders.tokens import PATCH, ClassToken, Tokens, check_patches
from raydist.encoders.transformer import Block
from raydist.encoders.weights.files import State

GRID = (16, 8)
"""Patches of the 256 x 128 frames that the weights were trained with."""

STEM_WIDTH = 64
STEM_STRIDE = 2
EPSILON = 1e-6
"""Of the layer normalisations."""

RENAMED = {
    "cls_token": "tokens.class_embedding",
    "pos_embed": "tokens.positional_embedding",
    ".norm1.": ".ln_1.",
    ".norm2.": ".ln_2.",
    ".attn.qkv.": ".attn.in_proj_",
    ".attn.proj.": ".attn.out_proj.",
    ".mlp.fc1.": ".mlp.c_fc.",
    ".mlp.fc2.": ".mlp.c_proj.",
}
"""Parts of published names, and what they are here."""


class InstanceBatchNorm(nn.Module):
    """Instance normalisation of one half of the channels, batch normalisation of the other (IBN).

    Args:
        channels: even.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.IN = nn.InstanceNorm2d(channels // 2, affine=True)
        self.BN = nn.BatchNorm2d(channels // 2)

    def forward(self, maps: Tensor) -> Tensor:
        """The same shape."""
        first, second = maps.chunk(2, dim=1)
        return torch.cat([self.IN(first), self.BN(second)], dim=1)


class PatchEmbedding(nn.Module):
    """Three convolutions at half the frame's size, then one linear map of every patch, without overlap.

    Args:
        width: D.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(3, STEM_WIDTH, 7, STEM_STRIDE, 3, bias=False),
            InstanceBatchNorm(STEM_WIDTH),
            nn.ReLU(inplace=True),
            nn.Conv2d(STEM_WIDTH, STEM_WIDTH, 3, 1, 1, bias=False),
            InstanceBatchNorm(STEM_WIDTH),
            nn.ReLU(inplace=True),
            nn.Conv2d(STEM_WIDTH, STEM_WIDTH, 3, 1, 1, bias=False),
            nn.BatchNorm2d(STEM_WIDTH),
            nn.ReLU(inplace=True),
        )
        self.proj = nn.Conv2d(STEM_WIDTH, width, PATCH // STEM_STRIDE, PATCH // STEM_STRIDE)

    def forward(self, frames: Tensor) -> Tensor:
        """[M, 3, H, W] -> [M, D, H / 16, W / 16].

        Raises:
            DataError: a side of the frames is not a multiple of 16.
        """
        check_patches(frames)
        embedded: Tensor = self.proj(self.conv(frames))
        return embedded


class PatchesTwice(nn.Module):
    """The patches a second time behind the tokens, for the shallow branch."""

    def forward(self, tokens: Tensor) -> Tensor:
        """[M, 1 + n, D] -> [M, 1 + 2 n, D]."""
        return torch.cat([tokens, tokens[:, 1:]], dim=1)


class DeepOnly(nn.Module):
    """A block for the tokens of the deep branch; the patches of the shallow one pass by.

    Args:
        block: [M, 1 + n, D] -> [M, 1 + n, D].
    """

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block

    def forward(self, tokens: Tensor) -> Tensor:
        """[M, 1 + 2 n, D] -> [M, 1 + 2 n, D]."""
        num_patches = tokens.shape[1] // 2
        return torch.cat([self.block(tokens[:, : 1 + num_patches]), tokens[:, 1 + num_patches :]], dim=1)


class DeepAndShallow(nn.Module):
    """The ends of both branches, which share the class token that enters here.

    Args:
        end: of the deep branch, [M, 1 + n, D] -> [M, D, 1, 1]; the shallow one starts as its copy.
    """

    def __init__(self, end: nn.Module) -> None:
        super().__init__()
        self.deep = end
        self.shallow = copy.deepcopy(end)

    def forward(self, tokens: Tensor) -> Tensor:
        """[M, 1 + 2 n, D] -> [M, 2 D, 1, 1]."""
        num_patches = tokens.shape[1] // 2
        class_token, patches, early_patches = tokens.split([1, num_patches, num_patches], dim=1)
        deep = self.deep(torch.cat([class_token, patches], dim=1))
        return torch.cat([deep, self.shallow(torch.cat([class_token, early_patches], dim=1))], dim=1)


def with_shallow_branch(layers: nn.Sequential) -> nn.Sequential:
    """The same layers with a shallow branch, whose block and normalisation start as copies of the last ones.

    Args:
        layers: of `vit`, of any weights; they are taken over, not copied.

    Returns:
        Frames [M, 3, H, W] -> [M, 2 D, 1, 1], deep before shallow. Each layer has one input and one output,
        so that stems,
        styles and recomputation treat them as those of any backbone: the patches travel with the tokens.
    """
    parts = dict(layers.named_children())
    *blocks, last = parts["blocks"].children()
    return nn.Sequential(
        OrderedDict(
            patch_embed=parts["patch_embed"],
            tokens=parts["tokens"],
            twice=PatchesTwice(),
            blocks=nn.Sequential(*map(DeepOnly, blocks)),
            branches=DeepAndShallow(nn.Sequential(last, parts["norm"])),
        )
    )


def published(state: State) -> State:
    """The tensors of a published file under the names they have in the layers of `vit`.

    Args:
        state: an encoder, whatever stands before its names, or what DINO saves: an encoder and its projection
            head.
    """
    return {
        _renamed(name): value.squeeze() if name.rpartition(".")[2] in RENAMED else value
        for name, value in state.items()
    }


def _renamed(name: str) -> str:
    for theirs, ours in RENAMED.items():
        name = name.replace(theirs, ours)
    return name


def vit(*, depth: int, width: int, heads: int) -> Backbone:
    """The transformer.

    With two streams each modality has its own patch embedding. Styles are exchanged after it.

    Args:
        depth: number of blocks.
        width: D.
        heads: of the attention; D is a multiple of it.
    """
    return Backbone(
        partial(_layers, depth=depth, width=width, heads=heads),
        stem=1,
        early=1,
        channels=width,
        pooled=True,
        two_stream=True,
        select=published,
        fork=with_shallow_branch,
    )


def _layers(*, depth: int, width: int, heads: int) -> nn.Sequential:
    blocks = [Block(width, heads=heads, activation=nn.GELU(), epsilon=EPSILON) for _ in range(depth)]
    layers = OrderedDict(
        patch_embed=PatchEmbedding(width),
        tokens=Tokens(width, grid=GRID),
        blocks=nn.Sequential(*blocks),
        norm=ClassToken(width, EPSILON),
    )
    return nn.Sequential(layers)


VIT_B16 = vit(depth=12, width=768, heads=12)
