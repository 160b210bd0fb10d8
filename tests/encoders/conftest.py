"""A CLIP of a size for tests."""

from __future__ import annotations

import pytest

from raydist.encoders import clip_vit


@pytest.fixture
def tiny_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    """``clip_vit_b16`` has two narrow blocks."""
    monkeypatch.setattr(clip_vit, "clip_vit_b16", lambda: clip_vit.clip_vit(depth=2, width=24, heads=3))
