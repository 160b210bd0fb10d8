"""From the features of a clip's frames to one feature of the clip."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

ATTENTION_WIDTH = 256


class TemporalMean(nn.Module):
    """The mean over time."""

    def forward(self, frames: Tensor) -> Tensor:
        """[B, T, D] -> [B, D]."""
        return frames.mean(1)


class TemporalAttention(nn.Module):
    """A weighted mean over time, with weights from each frame and its deviation from the clip's mean.

    The temporal-aware feature encoder of HiTPro (arXiv 2604.21324), after the pooling over space and before
    the neck, which maps the clip's feature g and its frames f_t alike: e_t = w' tanh(W [f_t; f_t - mean]) +
    cos(f_t, mean), a = softmax(e), g = sum a_t f_t. The scores start at zero (w = 0) and so does the
    convolution, so that training begins near the mean.

    The paper's own form is not published. Three things are our choice: W has no bias; the convolution is
    added to the frames before they are scored, since a mean of convolved frames hardly depends on their order
    but scores of them do; and what leaves the encoder as features of frames has not been through it.

    Args:
        width: D.
        prior: whether the cosine is added, by which frames unlike the rest (occluded ones) lose weight from
            the start.
        conv: whether each frame first receives, channel by channel, a weighted sum of itself and the frames
            before and after it (zero beyond the ends of the clip); then the order of frames matters.
    """

    def __init__(self, width: int, *, prior: bool = True, conv: bool = False) -> None:
        super().__init__()
        self.hidden = nn.Linear(2 * width, ATTENTION_WIDTH, bias=False)
        self.score = nn.Linear(ATTENTION_WIDTH, 1, bias=False)
        nn.init.zeros_(self.score.weight)
        self.prior = prior
        self.conv = nn.Conv1d(width, width, 3, padding=1, groups=width, bias=False) if conv else None
        if self.conv is not None:
            nn.init.zeros_(self.conv.weight)

    def forward(self, frames: Tensor) -> Tensor:
        """[B, T, D] -> [B, D]."""
        if self.conv is not None:
            frames = frames + self.conv(frames.transpose(1, 2)).transpose(1, 2)
        mean = frames.mean(1, keepdim=True)
        scores = self.score(self.hidden(torch.cat([frames, frames - mean], dim=2)).tanh())
        if self.prior:
            scores = scores + functional.cosine_similarity(frames, mean, dim=2).unsqueeze(2)
        return (scores.softmax(1) * frames).sum(1)


def temporal_mean(width: int) -> nn.Module:
    """The mean; the order of frames does not matter."""
    return TemporalMean()


def temporal_attention(width: int) -> nn.Module:
    """The weighted mean for features of width D; the order of frames does not matter."""
    return TemporalAttention(width)


def temporal_attention_conv(width: int) -> nn.Module:
    """The weighted mean after a convolution over time, by which the order of frames matters."""
    return TemporalAttention(width, conv=True)
