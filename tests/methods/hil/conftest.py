"""The tracklets of the methods' tests, seen by an encoder of two branches."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from raydist.methods.steps import Batch
from raydist.types import Modality


@pytest.fixture
def two_branches(context):
    return replace(context, num_branches=2)


@pytest.fixture
def deep_and_shallow() -> np.ndarray:
    """Two people in each modality, three tracklets each, apart in both branches, less clearly in the shallow
    one; [12, 2, 8]."""
    rng = np.random.default_rng(0)
    person = np.tile(np.repeat([0, 1], 3), 2)
    parts = []
    for width, spread in ((4, 0.1), (3, 0.3)):
        x = np.eye(width)[person][:, None] + spread * rng.standard_normal((12, 2, width))
        parts.append(x / np.linalg.norm(x, axis=-1, keepdims=True) / np.sqrt(2))
    padded = np.concatenate((parts[0], np.pad(parts[1], [(0, 0), (0, 0), (0, 1)])), axis=-1)
    return padded.astype(np.float32)


@pytest.fixture
def batch() -> Batch:
    """Eight clips, infrared ones among visible ones, one twice; two views of visible clips, one of infrared.

    Any directions; before they are of unit length, features are about 20 times as long.
    """
    rows = torch.tensor([0, 7, 4, 11, 2, 2, 9, 5])
    x = torch.from_numpy(np.random.default_rng(1).standard_normal((2, 8, 8)))
    x[1, rows >= 6] = 0
    unit = torch.nn.functional.normalize(x, dim=-1)
    return Batch(unit, rows, raw=20 * x, shows=[None, Modality.VISIBLE])


@pytest.fixture
def doubles(memories_of):
    """The memories of targets in float64."""
    return lambda targets: memories_of(targets, torch.float64)


@pytest.fixture
def tables():
    """All tables of memories by name, those of slots among them."""
    return lambda memories: {**memories, **{name: slots.table for name, slots in memories.slots.items()}}
