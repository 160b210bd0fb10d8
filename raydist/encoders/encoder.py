"""The encoder: from clips of both modalities to unit features of tracklets and frames."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from raydist.errors import DataError
from raydist.types import IMAGENET, PixelStatistics


class EncoderOutput(NamedTuple):
    """Features of B clips of T frames.

    Attributes:
        tracklet: float32 [B, D], unit vectors after the BN neck: what is compared, clustered and ranked. An
            encoder with branches joins their features, all of the same length.
        frame: float32 [B, T, D], unit vectors of the frames after the same neck.
        raw: float32 [B, D] after the neck, of the length that it gives them: for losses on distances.
    """

    tracklet: Tensor
    frame: Tensor
    raw: Tensor


class Neck(nn.Module):
    """One batch normalisation without a bias for both modalities (BNNeck, Luo et al., CVPR Workshops 2019).

    Statistics come from the clips; frames go through the same map as the clips they belong to.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.norm.bias.requires_grad_(False)

    def forward(self, raw: Tensor, frame: Tensor) -> tuple[Tensor, Tensor]:
        """[B, D] and [B, T, D], normalised."""
        tracklet = self.norm(raw)
        if self.training:
            variance, mean = torch.var_mean(raw, dim=0, correction=0)
        else:
            variance, mean = self.norm.get_buffer("running_var"), self.norm.get_buffer("running_mean")
        scale = self.norm.weight * torch.rsqrt(variance + self.norm.eps)
        return tracklet, (frame - mean) * scale + self.norm.bias


class Encoder(nn.Module):
    """Backbone on every frame, pooling over space, pooling over time, BN neck, unit length.

    Build one with `raydist.encoders.build.build_encoder`.

    Args:
        backbone: frames [M, 3, H, W], modalities [M] and styles [B] or None -> maps [M, C, h, w], see
            `Streams`.
        pooling: maps -> [M, D].
        temporal: [B, T, D] -> [B, D].
        width: D.
        num_branches: into how many features, one after the other, D is divided.
        pixels: how frames are normalised.
    """

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(
        self,
        backbone: nn.Module,
        pooling: nn.Module,
        temporal: nn.Module,
        *,
        width: int,
        num_branches: int = 1,
        pixels: PixelStatistics = IMAGENET,
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = pooling
        self.temporal = temporal
        self.neck = Neck(width)
        self.width = width
        self.num_branches = num_branches
        self.pixels = pixels
        self.register_buffer("pixel_mean", torch.tensor(pixels.mean).view(3, 1, 1), persistent=False)
        self.register_buffer("pixel_std", torch.tensor(pixels.std).view(3, 1, 1), persistent=False)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, frames: Tensor, modality: Tensor, style: Tensor | None = None) -> EncoderOutput:
        """Features of clips.

        Args:
            frames: uint8 [B, T, 3, H, W], or float [B, T, 3, H, W] with 0 for black and 1 for white; RGB.
            modality: integer [B] of `Modality` values.
            style: int64 [B], for each clip the clip of this batch whose early maps' statistics it takes, -1
                for its own, see `exchange_style`; None is -1 for all.

        Returns:
            Float32 features, also under autocast.

        Raises:
            DataError: another shape, not one modality a clip, or a style that is no clip of this batch.
        """
        if frames.ndim != 5 or frames.shape[2] != 3 or modality.shape != frames.shape[:1]:
            shapes = f"frames of shape {tuple(frames.shape)}, modality of shape {tuple(modality.shape)}"
            raise DataError(f"{shapes}: expected [B, T, 3, H, W] and [B]")
        num_clips, num_frames = frames.shape[:2]
        if style is not None:
            _check_style(style, num_clips)
        maps = self.backbone(
            self._normalise(frames.flatten(0, 1)), modality[:, None].expand(-1, num_frames).flatten(), style
        )
        # means, powers and batch statistics of features need more digits than half precision has
        with torch.autocast(maps.device.type, enabled=False):
            frame = self.pooling(maps.float()).unflatten(0, (num_clips, num_frames))
            raw, frame = self.neck(self.temporal(frame), frame)
            return EncoderOutput(self._unit(raw), self._unit(frame), raw)

    def _unit(self, features: Tensor) -> Tensor:
        """[..., D] of unit length, to which all branches contribute equally."""
        branches = functional.normalize(features.unflatten(-1, (self.num_branches, -1)), dim=-1)
        return branches.flatten(-2) / self.num_branches**0.5

    def _normalise(self, frames: Tensor) -> Tensor:
        top = 1.0 if frames.is_floating_point() else 255.0
        pixels = frames.to(torch.float32, memory_format=torch.channels_last)
        return (pixels - top * self.pixel_mean) / (top * self.pixel_std)


def _check_style(style: Tensor, num_clips: int) -> None:
    if style.shape != (num_clips,) or style.dtype != torch.int64:
        raise DataError(
            f"style of shape {tuple(style.shape)} and type {style.dtype}: "
            f"expected int64 [{num_clips}], one a clip"
        )
    unknown = style[(style < -1) | (style >= num_clips)]
    if len(unknown):
        raise DataError(
            f"style {int(unknown[0])}: expected a clip of this batch, 0 to {num_clips - 1}, "
            "or -1 for the clip's own"
        )
