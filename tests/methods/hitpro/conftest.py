"""People in every camera of both modalities, as the method sees them."""

from collections.abc import Callable

import numpy as np
import pytest

from raydist.clustering.spec import ClusterSpec
from raydist.data.training_set import TrainingSet
from raydist.methods.method import MethodContext
from raydist.types import Floats, Modality

NUM_PEOPLE = 10
NUM_CAMERAS = 3


@pytest.fixture
def tracklets() -> TrainingSet:
    """Each person once in each of three cameras and both modalities."""
    modality = np.repeat([0, 1], NUM_PEOPLE * NUM_CAMERAS).astype(np.int8)
    camera = np.tile(np.repeat(np.arange(NUM_CAMERAS), NUM_PEOPLE), 2)
    return TrainingSet(frames=None, modality=modality, camera=camera, view=modality * NUM_CAMERAS + camera)


@pytest.fixture
def person(tracklets) -> np.ndarray:
    return np.tile(np.arange(NUM_PEOPLE), 2 * NUM_CAMERAS)


@pytest.fixture
def context(tracklets) -> MethodContext:
    return MethodContext(
        tracklets,
        dict.fromkeys(Modality, ClusterSpec()),
        num_identities=dict.fromkeys(Modality, 2),
        num_instances=3,
    )


@pytest.fixture
def features(tracklets, person) -> Callable[..., Floats]:
    """Unit features [N, K, D] of sub-tracklets: the person, an offset of the view, noise of the tracklet and
    of its parts."""

    def make(
        *, noise: float = 0.0, num_parts: int = 2, seed: int = 0, width: int = 16, offset: float = 0.5
    ) -> Floats:
        rng = np.random.default_rng(seed)
        shift = offset * rng.standard_normal((tracklets.view.max() + 1, width))
        x = (
            rng.standard_normal((NUM_PEOPLE, width))[person]
            + shift[tracklets.view]
            + noise * rng.standard_normal((len(person), width))
        )
        parts = x[:, None] + 0.1 * noise * rng.standard_normal((len(x), num_parts, width))
        return (parts / np.linalg.norm(parts, axis=2, keepdims=True)).astype(np.float32)

    return make
