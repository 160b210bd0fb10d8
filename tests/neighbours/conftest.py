from collections.abc import Callable

import numpy as np
import pytest

Features = Callable[..., np.ndarray]


@pytest.fixture
def people() -> Features:
    """Unit features of `num_people` groups of rows, shuffled; `gap` shifts every third row, as a modality would."""

    def make(
        num_people: int, rows_each: int, *, seed: int = 0, width: int = 16, noise: float = 0.35, gap: float = 0.0
    ) -> np.ndarray:
        rng = np.random.default_rng(seed)
        centres = rng.standard_normal((num_people, width))
        x = np.repeat(centres / np.linalg.norm(centres, axis=1, keepdims=True), rows_each, axis=0)
        x = x + noise / np.sqrt(width) * rng.standard_normal(x.shape)
        x[np.arange(len(x)) % 3 == 2, 0] += gap
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        return x.astype(np.float32)

    return make
