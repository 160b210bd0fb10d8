"""Blocks in which every place of a map looks at every other."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from raydist.encoders.non_local import NonLocal


def test_non_local_blocks_start_as_the_identity_and_can_learn():
    block = NonLocal(8, 4)
    x = torch.randn(2, 8, 4, 2)
    out = block(x)
    assert torch.equal(out, x)
    out.square().sum().backward()
    assert block.bn.weight.grad.abs().min() > 0


@pytest.mark.parametrize("inner", [1, 3])
def test_non_local_block_equals_the_formula(inner):
    block = NonLocal(6, inner).eval()
    nn.init.ones_(block.bn.weight)
    x = torch.randn(1, 6, 3, 2)
    theta, phi, g = (layer(x)[0].flatten(1) for layer in (block.theta, block.phi, block.g))
    expected = torch.zeros(inner, 6)
    for i in range(6):
        for j in range(6):
            expected[:, i] += (theta[:, i] @ phi[:, j]) * g[:, j] / 6
    assert torch.allclose(block(x), x + block.bn(block.w(expected.view(1, inner, 3, 2))), atol=1e-5)
