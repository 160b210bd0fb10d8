from collections.abc import Callable

import numpy as np
import pytest

from raydist.neighbours.jaccard import Edges


@pytest.fixture
def from_dense() -> Callable[[np.ndarray], Edges]:
    """The pairs of a dense distance matrix that are nearer than 1."""

    def make(distance: np.ndarray) -> Edges:
        i, j = np.nonzero(np.triu(distance < 1, 1))
        return Edges(i.astype(np.int32), j.astype(np.int32), distance[i, j].astype(np.float32))

    return make
