"""Transformers of a size for tests."""

from __future__ import annotations

import pytest

from raydist.encoders import clip_vit, vit


@pytest.fixture
def tiny_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    """``clip_vit_b16`` has two narrow blocks."""
    monkeypatch.setattr(clip_vit, "CLIP_VIT_B16", clip_vit.clip_vit(depth=2, width=24, heads=3))


@pytest.fixture
def tiny_vit(monkeypatch: pytest.MonkeyPatch) -> None:
    """``vit_b16`` has three narrow blocks."""
    monkeypatch.setattr(vit, "VIT_B16", vit.vit(depth=3, width=12, heads=3))
