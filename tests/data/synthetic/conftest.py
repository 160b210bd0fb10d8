"""Worlds so small that a test draws them in well under a second."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from raydist.data.synthetic.draw import draw
from raydist.data.synthetic.settings import WorldSettings

TINY = WorldSettings(
    num_train_identities=3,
    num_test_identities=2,
    num_auxiliary_identities=2,
    num_cameras=3,
    sees=(2, 3),
    extra_passes=2,
    imbalance=0.5,
    frames=(24, 26),
    height=32,
    width=16,
)


@pytest.fixture(scope="session")
def tiny() -> Callable[..., WorldSettings]:
    """The tiny world's settings, some of them changed."""
    return lambda **changes: replace(TINY, **changes)


@pytest.fixture(scope="session")
def hitsz_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny world as HITSZ-VCM."""
    root = tmp_path_factory.mktemp("drawn") / "hitsz_vcm"
    draw(TINY, "hitsz_vcm", root, seed=5, workers=1)
    return root


@pytest.fixture(scope="session")
def bupt_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny world as BUPTCampus."""
    root = tmp_path_factory.mktemp("drawn") / "buptcampus"
    draw(TINY, "buptcampus", root, seed=5, workers=1)
    return root
