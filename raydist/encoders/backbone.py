"""What a backbone is: named layers from frames to a feature map, of which the first few may exist once per modality."""

from __future__ import annotations

import copy
from typing import NamedTuple

import torch
from torch import Tensor, nn

from raydist.types import Modality


class Backbone(NamedTuple):
    """The layers of an architecture and the choices that belong to it.

    Attributes:
        layers: from normalised frames [M, 3, H, W] to maps [M, channels, h, w] that are >= 0, under the published names.
        stem: how many of the first layers see one modality only when there are two streams.
        channels: of the map.
        pooling: the pooling it is used with unless another is asked for.
        two_stream: whether it has two stems unless told otherwise.
    """

    layers: nn.Sequential
    stem: int
    channels: int
    pooling: str = "mean"
    two_stream: bool = False


class Streams(nn.Module):
    """A backbone with one stem, or one stem per modality, before a shared trunk (two-stream network, Ye et al., AAAI 2018).

    Both stems start from the same weights.

    Args:
        layers: the whole backbone; its layers are taken over, not copied.
        stem: how many of them form the stem.
        two_stream: whether each modality gets a stem of its own.
    """

    def __init__(self, layers: nn.Sequential, *, stem: int, two_stream: bool) -> None:
        super().__init__()
        first = layers[:stem]
        self.stems = nn.ModuleList([first, copy.deepcopy(first)] if two_stream else [first])
        self.trunk = layers[stem:]

    def forward(self, frames: Tensor, modality: Tensor) -> Tensor:
        """Maps [M, C, h, w] of frames [M, 3, H, W] whose modalities are given, [M] `Modality` values."""
        if len(self.stems) == 1:
            return self.trunk(self.stems[0](frames))
        rows = [(modality == m).nonzero().flatten() for m in Modality]
        # a stem without frames is passed over: batch normalisation cannot take an empty batch
        parts = [stem(frames[r]) for stem, r in zip(self.stems, rows, strict=True) if len(r)]
        mixed = torch.cat(parts)
        return self.trunk(mixed[torch.cat(rows).argsort()])


def initialise(layers: nn.Module) -> None:
    """Start convolutions as He et al. (ICCV 2015) do for ReLU networks, by fan-out; all else keeps the defaults of torch."""
    for module in layers.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
