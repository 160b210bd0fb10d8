"""A transformer block against explicit loops."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from raydist.encoders.transformer import Block

WIDTH, HEADS = 6, 3


def norm(x: Tensor, layer: nn.LayerNorm) -> Tensor:
    return (x - x.mean()) / (x.var(correction=0) + 1e-5).sqrt() * layer.weight + layer.bias


def oracle(block: Block, tokens: Tensor) -> Tensor:
    """One frame [n, D], token by token and head by head."""
    each, num = WIDTH // HEADS, len(tokens)
    x = torch.stack([norm(t, block.ln_1) for t in tokens])
    q, k, v = (x @ block.attn.in_proj_weight.T + block.attn.in_proj_bias).chunk(3, dim=1)
    mixed = torch.zeros_like(x)
    for head in range(HEADS):
        part = slice(head * each, (head + 1) * each)
        for i in range(num):
            scores = torch.stack([q[i, part] @ k[j, part] / each**0.5 for j in range(num)])
            weights = scores.exp() / scores.exp().sum()
            for j in range(num):
                mixed[i, part] += weights[j] * v[j, part]
    tokens = tokens + mixed @ block.attn.out_proj.weight.T + block.attn.out_proj.bias
    out = []
    for t in tokens:
        hidden = block.mlp.c_fc.weight @ norm(t, block.ln_2) + block.mlp.c_fc.bias
        out.append(t + block.mlp.c_proj.weight @ hidden.clamp(min=0) + block.mlp.c_proj.bias)
    return torch.stack(out)


@pytest.fixture
def block() -> Block:
    torch.manual_seed(0)
    built = Block(WIDTH, heads=HEADS, activation=nn.ReLU()).double()
    for p in built.parameters():
        nn.init.normal_(p, std=0.5)
    return built


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("num_tokens", [1, 5])
def test_equals_the_formula(block: Block, training: bool, num_tokens: int):
    tokens = torch.randn(2, num_tokens, WIDTH, dtype=torch.double, generator=torch.Generator().manual_seed(1))
    with torch.set_grad_enabled(training):
        out = block.train(training)(tokens)
    assert torch.allclose(out, torch.stack([oracle(block, t) for t in tokens]))


def test_order_of_tokens_does_not_matter(block: Block):
    tokens = torch.randn(2, 5, WIDTH, dtype=torch.double, generator=torch.Generator().manual_seed(1))
    order = torch.tensor([3, 0, 4, 1, 2])
    assert torch.allclose(block(tokens[:, order]), block(tokens)[:, order])
