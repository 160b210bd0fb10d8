"""The encoder for a few minutes on two cores."""

from __future__ import annotations

from raydist.encoders.small import SMALL


def test_small_is_small():
    assert 0.3e6 < sum(p.numel() for p in SMALL.build().parameters()) < 1.2e6
