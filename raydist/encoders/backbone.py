"""What a backbone is: named layers from frames to a feature map, the first of them once or per modality."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from raydist.encoders.non_local import NonLocal, NonLocalWidth
from raydist.encoders.recompute import recomputed
from raydist.encoders.style import exchange_style
from raydist.encoders.weights.files import State
from raydist.types import IMAGENET, Modality, PixelStatistics


@dataclass(frozen=True)
class Backbone:
    """An architecture: how its layers are made, and the choices that belong to it.

    Attributes:
        build: makes the layers, from normalised frames [M, 3, H, W] to maps [M, channels, h, w], under the
            published names. Maps are >= 0 unless they are `pooled`.
        stem: how many of the first layers see one modality only when there are two streams.
        early: how many of the first layers, at least the stem, come before the place where styles are
            exchanged.
        channels: of the map.
        pooling: the pooling that is used unless the configuration names another.
        pooled: the map has one position, so that there is nothing to pool (a class token).
        two_stream: whether there are two stems unless the configuration says otherwise.
        pixels: how frames are normalised: as those that the published weights were trained on.
        select: from the names of published files to those of the layers here; whatever stands before a name
            stays before it.
        fork: from the layers to those with a second branch, whose maps have twice the channels, deep before
            shallow; None where an architecture has one branch.
        build_non_local: makes the layers with non-local blocks of an inner width; None where an architecture
            has no places for them.
    """

    build: Callable[[], nn.Sequential]
    stem: int
    early: int
    channels: int
    pooling: str = "mean"
    pooled: bool = False
    two_stream: bool = False
    pixels: PixelStatistics = IMAGENET
    select: Callable[[State], State] = dict
    fork: Callable[[nn.Sequential], nn.Sequential] | None = None
    build_non_local: Callable[[NonLocalWidth], nn.Sequential] | None = None


class Streams(nn.Module):
    """A backbone with one stem, or one stem per modality, before a shared trunk.

    Two streams: Ye et al., AAAI 2018. Both stems start from the same weights.

    Args:
        backbone: the architecture.
        layers: as its `build` makes them; taken over, not copied.
        two_stream: whether each modality gets a stem of its own; None is the architecture's default.
        recompute: whether activations are computed again in the backward pass instead of being stored.
    """

    def __init__(
        self,
        backbone: Backbone,
        layers: nn.Sequential,
        *,
        two_stream: bool | None = None,
        recompute: bool = False,
    ) -> None:
        super().__init__()
        self.recompute = recompute
        first = layers[: backbone.stem]
        two_stream = backbone.two_stream if two_stream is None else two_stream
        self.stems = nn.ModuleList([first, copy.deepcopy(first)] if two_stream else [first])
        self.trunk: nn.Sequential = layers[backbone.stem :]  # type: ignore[assignment]
        self.early = backbone.early - backbone.stem

    def forward(self, frames: Tensor, modality: Tensor, style: Tensor | None = None) -> Tensor:
        """Maps of frames.

        Args:
            frames: float32 [M, 3, H, W], normalised; clip after clip.
            modality: [M] `Modality` values.
            style: int64 [B], for each clip the clip that gives it its style, see `exchange_style`; None
                exchanges nothing.

        Returns:
            [M, C, h, w].
        """
        maps = self._through(self.trunk[: self.early], self._stem(frames, modality))
        if style is not None:
            maps = exchange_style(maps, style)
        return self._through(self.trunk[self.early :], maps)

    def _through(self, layers: nn.Module, maps: Tensor) -> Tensor:
        if self.recompute and torch.is_grad_enabled():
            return recomputed(layers, maps)
        after: Tensor = layers(maps)
        return after

    def _stem(self, frames: Tensor, modality: Tensor) -> Tensor:
        if len(self.stems) == 1:
            return self._through(self.stems[0], frames)
        rows = [(modality == m).nonzero().flatten() for m in Modality]
        # a stem without frames is passed over: batch normalisation cannot take an empty batch
        parts = [self._through(stem, frames[r]) for stem, r in zip(self.stems, rows, strict=True) if len(r)]
        return torch.cat(parts)[torch.cat(rows).argsort()]


def initialise(layers: nn.Module) -> None:
    """Draw convolutions as He et al. (ICCV 2015), by fan-out; all else has the start values of torch.

    So do the convolutions of non-local blocks, as published: by fan-out, those of inner width 1 would be
    fifty times as large and would hardly move.
    """
    blocks = [module for module in layers.modules() if isinstance(module, NonLocal)]
    inside = {part for block in blocks for part in block.modules()}
    for module in layers.modules():
        if isinstance(module, nn.Conv2d) and module not in inside:
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
