import numpy as np
import pytest
import torch


def unit(rows, width, seed):
    matrix = np.random.default_rng(seed).normal(size=(rows, width))
    return torch.from_numpy(matrix / np.linalg.norm(matrix, axis=1, keepdims=True))


@pytest.fixture
def prototypes():
    """Five unit rows."""
    return unit(5, 4, seed=0)


@pytest.fixture
def features():
    """Twelve rows of lengths other than one."""
    return unit(12, 4, seed=1) * torch.arange(1, 13)[:, None]


@pytest.fixture
def labels():
    """Twelve labels: clusters 0, 2, 3, 4 in many sizes, and noise; cluster 1 is not in the batch."""
    return torch.tensor([2, 0, -1, 2, 4, 2, 3, 3, -1, 2, 0, 4])
