from collections.abc import Callable

import numpy as np
import pytest

from raydist.neighbours.jaccard.distance import Distance
from raydist.neighbours.jaccard.edges import Edges


@pytest.fixture
def from_dense() -> Callable[[np.ndarray], Edges]:
    """The pairs of a dense distance matrix that are nearer than 1."""

    def make(distance: np.ndarray) -> Edges:
        i, j = np.nonzero(np.triu(distance < 1, 1))
        return Edges(i.astype(np.int32), j.astype(np.int32), distance[i, j].astype(np.float32))

    return make


@pytest.fixture
def crowd() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Unit features of people of uneven numbers of rows, with junk and duplicates, shuffled; and a group of
    each row.

    The rows of group 1 are shifted, as those of another modality are.
    """

    def make(num_rows: int, seed: int, *, gap: float = 0.5, groups: int = 2) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        person = np.sort(rng.integers(0, max(1, num_rows // 12), num_rows))
        centres = rng.standard_normal((person.max() + 1, 24))
        group = rng.integers(0, groups, num_rows).astype(np.int8)
        x = centres[person] + 0.5 * rng.gamma(4, 0.25, (num_rows, 1)) * rng.standard_normal((num_rows, 24))
        junk = rng.random(num_rows) < 0.05
        x[junk] = rng.standard_normal((junk.sum(), 24))
        x[group == 1] += gap * rng.standard_normal(24)
        copies = rng.integers(0, num_rows, (2, num_rows // 20))
        x[copies[0]] = x[copies[1]]
        order = rng.permutation(num_rows)
        x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
        return x[order], group[order]

    return make


def ranking(similarity: np.ndarray, i: int, candidates: np.ndarray) -> list[int]:
    """Candidates by falling similarity to i, i itself first, then by number."""
    order = np.lexsort((candidates, -similarity[candidates], candidates != i))
    return candidates[order].tolist()


def lists_and_weights(
    similarity: np.ndarray, i: int, spec: Distance, group: np.ndarray
) -> tuple[list[list[int]], dict[int, float]]:
    """The ranked lists of row i, and its expansion neighbours with their weights."""
    every = np.arange(len(similarity))
    if spec.name == "jaccard":
        ranked = ranking(similarity, i, every)
        return [ranked[: spec.k1]], dict.fromkeys(ranked[: spec.k2], 1 / len(ranked[: spec.k2]))
    near, far = (ranking(similarity, i, every[(group == group[i]) == side]) for side in (True, False))
    if spec.name == "camera-aware":
        mixed = near[: spec.k2_intra] + far[: spec.k2_inter]
        return [near[: spec.k1_intra + 1], far[: spec.k1_inter + 1]], dict.fromkeys(mixed, 1 / len(mixed))
    half = spec.k1 // 2
    sides = [side[: spec.k2] for side in (near, far) if side]
    weights = {j: 1 / len(sides) / len(side) for side in sides for j in side}
    return [ranking(similarity, i, np.array(near[:half] + far[:half]))], weights


def reciprocal_set(lists: list[list[list[int]]], i: int, half: int) -> set[int]:
    """Zhong et al.: mutual neighbours of i, and their half sets that lie among these for two thirds."""

    def mutual(row: int, width: int | None) -> set[int]:
        return {
            j for kind, ids in enumerate(lists[row]) for j in ids[:width] if row in lists[j][kind][:width]
        }

    base = mutual(i, None)
    halves = [mutual(c, half + 1) for c in base] if half else []
    return base.union(*(near for near in halves if len(near & base) > 2 / 3 * len(near)))


@pytest.fixture
def dense_jaccard() -> Callable[[np.ndarray, Distance, np.ndarray], np.ndarray]:
    """All N x N Jaccard distances in float64, written down from the formulas."""

    def make(features: np.ndarray, spec: Distance, group: np.ndarray) -> np.ndarray:
        x = features.astype(np.float64)
        num_rows = len(x)
        similarity = np.stack(
            [(x * row).sum(axis=1) for row in x]
        )  # equal rows get equal sums, unlike in a BLAS product
        lists, weights = zip(
            *(lists_and_weights(similarity[i], i, spec, group) for i in range(num_rows)), strict=True
        )
        v = np.zeros((num_rows, num_rows))
        for i in range(num_rows):
            members = sorted(reciprocal_set(lists, i, spec.half))
            v[i, members] = np.exp(-(2 - 2 * similarity[i, members]))
            v[i] /= v[i].sum()
        mean = np.zeros_like(v)
        for i, row in enumerate(weights):
            for j, weight in row.items():
                mean[i] += weight * v[j]
        distance, columns = np.empty_like(v), mean.T.copy()
        for i in range(num_rows):
            support = np.flatnonzero(mean[i])  # elsewhere the smaller of two weights is 0
            overlap = np.minimum(columns[support, i, None], columns[support]).sum(axis=0)
            distance[i] = 1 - overlap / (2 - overlap)
        np.fill_diagonal(distance, 0)
        return np.clip(distance, 0, None)

    return make
