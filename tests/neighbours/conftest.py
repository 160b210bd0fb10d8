from collections.abc import Callable

import numpy as np
import pytest

from raydist.neighbours.search.exact import exact_dot

Features = Callable[..., np.ndarray]


@pytest.fixture
def people() -> Features:
    """Unit features of `num_people` groups of rows, shuffled; `gap` shifts every third row, as a modality
    would."""

    def make(
        num_people: int,
        rows_each: int,
        *,
        seed: int = 0,
        width: int = 16,
        noise: float = 0.35,
        gap: float = 0.0,
    ) -> np.ndarray:
        rng = np.random.default_rng(seed)
        centres = rng.standard_normal((num_people, width))
        x = np.repeat(centres / np.linalg.norm(centres, axis=1, keepdims=True), rows_each, axis=0)
        x = x + noise / np.sqrt(width) * rng.standard_normal(x.shape)
        x[np.arange(len(x)) % 3 == 2, 0] += gap
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        return x.astype(np.float32)

    return make


def _unit(x: np.ndarray) -> np.ndarray:
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def _hard_tables() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    noise, one = rng.standard_normal((150, 24)), rng.standard_normal((1, 24))
    return {
        "random": _unit(noise),
        "of any length": (noise * np.exp(3 * rng.standard_normal((150, 1)))).astype(np.float32),
        "tiny and large": (noise * 10.0 ** rng.integers(-12, 13, (150, 1))).astype(np.float32),
        "all equal": np.repeat(_unit(one), 150, axis=0),
        "nearly equal": (_unit(one) + 1e-7 * noise).astype(np.float32),
        "collapsed": _unit(one + 1e-3 * noise),
        "two collapsed modes": _unit(np.where(np.arange(150)[:, None] % 2, one, -one) + 1e-5 * noise),
        "copies": np.repeat(_unit(noise[:3]), 50, axis=0),
        "near copies": np.repeat(_unit(noise[:3]), 50, axis=0) + (1e-8 * noise).astype(np.float32),
        "zeros among others": _unit(noise) * (np.arange(150)[:, None] % 4 > 0).astype(np.float32),
        "zeros": np.zeros((150, 24), np.float32),
        "one hot": np.eye(24, dtype=np.float32)[rng.integers(0, 24, 150)],
        "small integers": rng.integers(-1, 2, (150, 24)).astype(np.float32),
    }


@pytest.fixture(params=list(_hard_tables()))
def hard_table(request: pytest.FixtureRequest) -> np.ndarray:
    """float32 [150, 24], rows that are hard to rank: ties, copies, differences below the rounding of a
    product."""
    return _hard_tables()[request.param]


@pytest.fixture
def sorted_lists() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Neighbour lists by sorting everything."""

    def make(
        left: np.ndarray,
        right: np.ndarray,
        k: int,
        *,
        ids: np.ndarray | None = None,
        exclude: np.ndarray | None = None,
        allowed: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        ids = np.arange(len(right)) if ids is None else ids
        best = np.full((len(left), min(k, len(right))), -1), np.full((len(left), min(k, len(right))), -np.inf)
        for i, x in enumerate(left):
            others = [
                (-exact_dot(x, y), ids[j])
                for j, y in enumerate(right)
                if (exclude is None or ids[j] != exclude[i]) and (allowed is None or allowed[i, j])
            ]
            for place, (minus, name) in enumerate(sorted(others)[:k]):
                best[0][i, place], best[1][i, place] = name, -minus
        return best

    return make
