"""Pooling over time."""

from __future__ import annotations

import pytest
import torch

from raydist.encoders.registry import TEMPORALS
from raydist.encoders.temporal import TemporalAttention, TemporalMean
from raydist.errors import ConfigError

FRAMES = torch.randn(3, 6, 16, generator=torch.Generator().manual_seed(0))


def test_attention_without_the_prior_starts_as_the_mean():
    assert torch.allclose(TemporalAttention(16, prior=False)(FRAMES), TemporalMean()(FRAMES), atol=1e-6)


def test_prior_takes_weight_from_the_frame_unlike_the_rest():
    common = torch.randn(1, 1, 16, generator=torch.Generator().manual_seed(1))
    frames = common.repeat(1, 6, 1)
    frames[0, 2] = -common[0, 0]
    attention, mean = TemporalAttention(16)(frames), TemporalMean()(frames)
    assert (attention - common[0]).norm() < (mean - common[0]).norm()


def test_attention_equals_the_formula():
    pooling = TemporalAttention(16)
    torch.nn.init.normal_(pooling.score.weight)
    for clip, pooled in zip(FRAMES, pooling(FRAMES), strict=True):
        mean = clip.mean(0)
        scores = []
        for f in clip:
            hidden = torch.tanh(pooling.hidden.weight @ torch.cat([f, f - mean]))
            scores.append(pooling.score.weight[0] @ hidden + f @ mean / (f.norm() * mean.norm()))
        weights = torch.stack(scores).softmax(0)
        assert torch.allclose(pooled, weights @ clip, atol=1e-5)


def test_convolution_starts_as_nothing():
    torch.manual_seed(0)
    with_conv, without = TemporalAttention(16, conv=True), TemporalAttention(16)
    without.load_state_dict(with_conv.state_dict(), strict=False)
    assert torch.equal(with_conv(FRAMES), without(FRAMES))


def test_convolution_adds_to_each_frame_a_sum_with_its_neighbours():
    pooling = TemporalAttention(16, conv=True)
    torch.nn.init.normal_(pooling.score.weight)
    torch.nn.init.normal_(pooling.conv.weight)
    frames = FRAMES.clone()
    for b in range(3):
        for t in range(6):
            for k, s in enumerate((t - 1, t, t + 1)):
                if 0 <= s < 6:
                    frames[b, t] += pooling.conv.weight[:, 0, k] * FRAMES[b, s]
    pooled = pooling(FRAMES)
    pooling.conv = None
    assert torch.allclose(pooled, pooling(frames), atol=1e-5)


def test_order_of_frames_matters_with_a_convolution():
    pooling = TEMPORALS.load("attention_conv")(16)
    assert torch.allclose(pooling(FRAMES), pooling(FRAMES.flip(1)), atol=1e-6)
    torch.nn.init.normal_(pooling.conv.weight)
    shuffled = FRAMES[:, [2, 0, 3, 1, 5, 4]]
    for other in (FRAMES.flip(1), shuffled):
        assert (pooling(FRAMES) - pooling(other)).abs().amax() > 0.01
    assert pooling(FRAMES[:, :1]).shape == (3, 16)


@pytest.mark.parametrize("name", ["mean", "attention"])
def test_order_of_frames_does_not_matter(name: str):
    pooling = TEMPORALS.load(name)(16)
    assert torch.allclose(pooling(FRAMES), pooling(FRAMES.flip(1)), atol=1e-6)
    assert torch.allclose(pooling(FRAMES[:, :1]), FRAMES[:, 0])


def test_unknown_temporal_pooling_is_refused():
    with pytest.raises(ConfigError, match="did you mean 'attention'"):
        TEMPORALS.load("atention")
