"""Pooling of maps."""

from __future__ import annotations

import pytest
import torch

from raydist.encoders.pooling import GeneralizedMean, Mean, Stripes
from raydist.encoders.registry import POOLINGS
from raydist.errors import ConfigError

MAPS = torch.rand(3, 5, 8, 4, generator=torch.Generator().manual_seed(0))


def test_generalized_mean_lies_between_mean_and_maximum():
    mean, gem, most = Mean()(MAPS), GeneralizedMean()(MAPS), MAPS.amax((2, 3))
    assert torch.allclose(GeneralizedMean(1.0)(MAPS), mean)
    assert (mean < gem).all()
    assert (gem < most).all()
    assert torch.allclose(GeneralizedMean(80.0)(MAPS), most, rtol=0.06)


def test_generalized_mean_of_an_empty_map_has_finite_gradients():
    maps = torch.zeros(1, 2, 4, 2, requires_grad=True)
    GeneralizedMean()(maps).sum().backward()
    assert maps.grad is not None
    assert maps.grad.isfinite().all()


def test_stripes_see_where_something_is_from_top_to_bottom():
    pooling = Stripes(5, 25)
    torch.nn.init.eye_(pooling.mix.weight)
    out = pooling(MAPS).detach().view(3, 5, 5)  # channel after channel, four stripes each, then the maxima
    stripes = torch.stack([MAPS[:, :, 2 * s : 2 * s + 2].mean((2, 3)) for s in range(4)], dim=2).flatten(1)
    assert torch.allclose(out.flatten(1)[:, :20], stripes)
    assert torch.allclose(out.flatten(1)[:, 20:], MAPS.amax((2, 3)))


@pytest.mark.parametrize("name", POOLINGS)
@pytest.mark.parametrize("size", [(8, 4), (2, 1), (1, 1), (18, 9)])
def test_width_is_as_declared_for_every_map_size(name: str, size: tuple[int, int]):
    pooling = POOLINGS.load(name)
    assert pooling.build(5)(torch.rand(2, 5, *size)).shape == (2, pooling.width(5))


def test_unknown_pooling_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'stripes'"):
        POOLINGS.load("stripe")
