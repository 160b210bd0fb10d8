"""Twelve tracklets of both modalities and two cameras, as a method sees them."""

import numpy as np
import pytest

from raydist.clustering.spec import ClusterSpec
from raydist.data.training_set import TrainingSet
from raydist.methods.method import MethodContext
from raydist.types import Modality


@pytest.fixture
def tracklets() -> TrainingSet:
    modality = np.repeat([0, 1], 6).astype(np.int8)
    camera = np.tile([0, 0, 0, 1, 1, 1], 2)
    return TrainingSet(frames=None, modality=modality, camera=camera, view=modality * 2 + camera)


@pytest.fixture
def context(tracklets) -> MethodContext:
    spec = ClusterSpec(k1=3, k2=1, min_samples=2)
    return MethodContext(
        tracklets, dict.fromkeys(Modality, spec), num_identities=dict.fromkeys(Modality, 2), num_instances=2
    )


@pytest.fixture
def features() -> np.ndarray:
    """Two people in each modality, three tracklets each; [12, 1, 4]."""
    rng = np.random.default_rng(0)
    centres = np.repeat(np.tile(np.eye(4)[:2], (2, 1)), 3, axis=0)
    x = centres + 0.02 * rng.normal(size=(12, 4))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)[:, None]
