"""Styles of maps, exchanged between clips."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from raydist.encoders.style import exchange_style

NUM_CLIPS, NUM_FRAMES, CHANNELS = 4, 3, 5
MAPS = 2 * torch.randn(NUM_CLIPS * NUM_FRAMES, CHANNELS, 4, 2, generator=torch.Generator().manual_seed(0)) + 1
STYLE = torch.tensor([2, -1, 3, 3])


def oracle(maps: Tensor, style: Tensor) -> Tensor:
    """Clip by clip and channel by channel, in double precision; donors are constants."""
    clips = maps.double().view(len(style), -1, *maps.shape[1:])
    out = []
    for i, j in enumerate(style.tolist()):
        channels = []
        for c in range(maps.shape[1]):
            x, y = clips[i, :, c], clips[j, :, c].detach()
            if j in (-1, i):
                channels.append(x)
            else:
                deviation, donor = (((v - v.mean()).square().mean() + 1e-5).sqrt() for v in (x, y))
                channels.append(donor * (x - x.mean()) / deviation + y.mean())
        out.append(torch.stack(channels, dim=1))
    return torch.cat(out)


def test_equals_the_formula():
    assert torch.allclose(exchange_style(MAPS, STYLE).double(), oracle(MAPS, STYLE), atol=1e-5)


def test_gradients_are_those_of_the_formula_with_constant_donors():
    weight = torch.randn(MAPS.shape, generator=torch.Generator().manual_seed(1))
    fast, slow = (MAPS.clone().requires_grad_() for _ in range(2))
    (exchange_style(fast, STYLE) * weight).sum().backward()
    (oracle(slow, STYLE) * weight).sum().backward()
    assert torch.allclose(fast.grad, slow.grad, atol=1e-5)


def test_no_gradient_reaches_a_donor():
    maps = MAPS.clone().requires_grad_()
    exchange_style(maps, torch.tensor([1, -1, -1, -1]))[:NUM_FRAMES].square().sum().backward()
    reached = maps.grad.view(NUM_CLIPS, -1).abs().amax(1) > 0
    assert reached.tolist() == [True, False, False, False]


@pytest.mark.parametrize("style", [[-1, -1, -1, -1], [0, 1, 2, 3], [-1, 1, -1, 3]])
def test_own_style_changes_nothing(style: list[int]):
    maps = MAPS.clone().requires_grad_()
    out = exchange_style(maps, torch.tensor(style))
    assert torch.equal(out, MAPS)
    out.sum().backward()
    assert torch.equal(maps.grad, torch.ones_like(MAPS))


def test_two_clips_can_swap():
    swapped = exchange_style(MAPS, torch.tensor([1, 0, -1, -1]))
    back = exchange_style(swapped, torch.tensor([1, 0, -1, -1]))
    assert not torch.allclose(swapped, MAPS, atol=0.1)
    assert torch.allclose(back, MAPS, atol=1e-4)


def test_frames_of_a_clip_keep_their_order_of_brightness():
    means = MAPS.view(NUM_CLIPS, NUM_FRAMES, CHANNELS, -1).mean(3)
    styled = (
        exchange_style(MAPS, torch.tensor([1, 2, 3, 0])).view(NUM_CLIPS, NUM_FRAMES, CHANNELS, -1).mean(3)
    )
    assert torch.equal(means.argsort(1), styled.argsort(1))


def test_a_constant_channel_becomes_the_donors_mean():
    maps = MAPS.clone()
    maps[:NUM_FRAMES] = 7.0
    maps.requires_grad_()
    out = exchange_style(maps, torch.tensor([1, -1, -1, -1]))
    mean = MAPS[NUM_FRAMES : 2 * NUM_FRAMES].mean((0, 2, 3)).view(-1, 1, 1)
    assert torch.allclose(out[:NUM_FRAMES], mean.expand_as(out[:NUM_FRAMES]), atol=1e-5)
    out.square().sum().backward()
    assert maps.grad.isfinite().all()


def test_half_precision_stays_half_precision():
    out = exchange_style(MAPS.bfloat16(), STYLE)
    assert out.dtype == torch.bfloat16
    assert torch.allclose(out.float(), exchange_style(MAPS, STYLE), atol=0.1)


def test_memory_layout_is_kept():
    maps = MAPS.contiguous(memory_format=torch.channels_last)
    assert exchange_style(maps, STYLE).is_contiguous(memory_format=torch.channels_last)
