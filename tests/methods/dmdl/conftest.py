"""Four people in two cameras of both modalities, and batches of two views of them."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch

from raydist.clustering.spec import ClusterSpec
from raydist.data.training_set import TrainingSet
from raydist.methods.method import MethodContext
from raydist.methods.steps import Batch
from raydist.types import Floats, Modality

PERSON = np.tile(np.repeat(np.arange(4), 6), 2)


@pytest.fixture
def person() -> np.ndarray:
    """int64 [48]: six visible and six infrared tracklets of each."""
    return PERSON


@pytest.fixture
def context() -> MethodContext:
    modality = np.repeat([0, 1], 24).astype(np.int8)
    camera = np.tile([0, 1], 24)
    tracklets = TrainingSet(frames=None, modality=modality, camera=camera, view=2 * modality + camera)
    return MethodContext(
        tracklets,
        dict.fromkeys(Modality, ClusterSpec(k1=6, k2=2, min_samples=2)),
        dict.fromkeys(Modality, 2),
        3,
    )


@pytest.fixture
def features() -> Floats:
    """[48, 2, 8], unit, a little apart by modality."""
    rng = np.random.default_rng(0)
    x = np.eye(8)[PERSON] + 0.2 * np.eye(8)[4 + np.repeat([0, 1], 24)] + 0.05 * rng.standard_normal((48, 8))
    x = x[:, None] + 0.02 * rng.standard_normal((48, 2, 8))
    return (x / np.linalg.norm(x, axis=2, keepdims=True)).astype(np.float32)


@pytest.fixture
def batch() -> Callable[[Sequence[int]], Batch]:
    """Two views of the rows, in float64, near where their person is."""

    def make(rows: Sequence[int]) -> Batch:
        noise = torch.randn(2, len(rows), 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        raw = 4 * torch.eye(8, dtype=torch.float64)[PERSON[list(rows)]] + noise
        return Batch(torch.nn.functional.normalize(raw, dim=2), torch.tensor(rows), raw=raw)

    return make
