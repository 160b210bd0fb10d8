"""From the features of a clip's frames to one feature of the clip."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from raydist.config import nearest
from raydist.errors import ConfigError

ATTENTION_WIDTH = 256


class TemporalMean(nn.Module):
    """The mean over time."""

    def forward(self, frames: Tensor) -> Tensor:
        """[B, T, D] -> [B, D]."""
        return frames.mean(1)


class TemporalAttention(nn.Module):
    """A weighted mean over time, with weights from each frame and its deviation from the clip's mean.

    The temporal-aware feature encoder of HiTPro. The scores start at zero (w = 0), so that training begins near the mean:
    e_t = w' tanh(W [f_t; f_t - mean]) + cos(f_t, mean), a = softmax(e), g = sum a_t f_t.

    Args:
        width: D.
        prior: whether the cosine is added, by which frames unlike the rest (occluded ones) lose weight from the start.
    """

    def __init__(self, width: int, *, prior: bool = True) -> None:
        super().__init__()
        self.hidden = nn.Linear(2 * width, ATTENTION_WIDTH, bias=False)
        self.score = nn.Linear(ATTENTION_WIDTH, 1, bias=False)
        nn.init.zeros_(self.score.weight)
        self.prior = prior

    def forward(self, frames: Tensor) -> Tensor:
        """[B, T, D] -> [B, D]."""
        mean = frames.mean(1, keepdim=True)
        scores = self.score(self.hidden(torch.cat([frames, frames - mean], dim=2)).tanh())
        if self.prior:
            scores = scores + functional.cosine_similarity(frames, mean, dim=2).unsqueeze(2)
        return (scores.softmax(1) * frames).sum(1)


TEMPORALS = ("mean", "attention")


def build_temporal(name: str, width: int) -> nn.Module:
    """The temporal pooling of that name for features of width D.

    Raises:
        ConfigError: no temporal pooling of that name.
    """
    if name not in TEMPORALS:
        raise ConfigError(f"encoder.temporal = {name!r}{nearest(name, TEMPORALS)}; there are: {', '.join(TEMPORALS)}")
    return TemporalMean() if name == "mean" else TemporalAttention(width)
