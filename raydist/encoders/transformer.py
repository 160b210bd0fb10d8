"""Transformer blocks (Vaswani et al., NeurIPS 2017) as vision transformers have them, normalised first."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn


class Block(nn.Module):
    """x + attention(norm(x)), then x + MLP(norm(x)) (Dosovitskiy et al., ICLR 2021, Eqs. 2 and 3).

    Parameters have the names of CLIP.

    Args:
        width: D.
        heads: of the attention; D is a multiple of it.
        activation: between the two layers of the MLP, whose inner width is 4 D.
        epsilon: added to variances in the normalisations.
    """

    def __init__(self, width: int, *, heads: int, activation: nn.Module, epsilon: float = 1e-5) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, epsilon)
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_2 = nn.LayerNorm(width, epsilon)
        self.mlp = nn.Sequential(
            OrderedDict(
                c_fc=nn.Linear(width, 4 * width), activation=activation, c_proj=nn.Linear(4 * width, width)
            )
        )

    def forward(self, tokens: Tensor) -> Tensor:
        """[M, n, D] -> [M, n, D]."""
        x = self.ln_1(tokens)
        tokens = tokens + self.attn(x, x, x, need_weights=False)[0]
        return tokens + self.mlp(self.ln_2(tokens))
