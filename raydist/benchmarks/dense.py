"""The usual dense clustering, for comparison: faiss, Python loops over N x N matrices, scikit-learn.

The arithmetic of the re-ranking that most public repositories share (`faiss_rerank.py` of SpCL and Cluster
Contrast, after Zhong et al., CVPR 2017), step by step and at its price: the encoding V, its query expansion
and the Jaccard distances are full matrices, and every row is one turn of a Python loop.
"""

from __future__ import annotations

import numpy as np
import torch
from sklearn.cluster import DBSCAN

from raydist.neighbours.jaccard.graph import Watch
from raydist.types import Floats, Ints, Labels

MATRICES_AT_ONCE = 2.7
"""Matrices [N, N] in memory at the peak, as measured."""


def dense_bytes(num_rows: int) -> float:
    """Bytes that the dense clustering takes above the features.

    Args:
        num_rows: N.
    """
    return MATRICES_AT_ONCE * 4 * num_rows**2


def dense_labels(features: Floats, *, k1: int, k2: int, eps: float, min_samples: int, watch: Watch) -> Labels:
    """Clusters of the k-reciprocal Jaccard distance.

    Args:
        features: float32 [N, D], rows of unit length.
        k1: ranked neighbours, the row itself among them.
        k2: neighbours in the query expansion; 1 for none.
        eps, min_samples: of DBSCAN.
        watch: surrounds each stage, called with its name; the stages are those of the sparse clustering.
    """
    with watch("search"):
        ranked = _search(features, k1)
    with watch("encode"):
        v = _encode(features, ranked, k1)
    with watch("expand"):
        v = _expand(v, ranked, k2)
    with watch("edges"):
        distance = _jaccard(v)
    del v
    with watch("cluster"):
        labels: Labels = DBSCAN(
            eps=eps, min_samples=min_samples, metric="precomputed", n_jobs=-1
        ).fit_predict(distance)
    return labels


def _search(features: Floats, k1: int) -> Ints:
    import faiss

    index = faiss.IndexFlatL2(features.shape[1])
    index.add(features)
    ranked: Ints = index.search(features, k1)[1]
    return ranked


def _reciprocal(ranked: Ints, row: int, k: int) -> Ints:
    """Those of a row's first k + 1 ranks that have the row among their own first k + 1."""
    forward = ranked[row, : k + 1]
    return forward[np.where(ranked[forward, : k + 1] == row)[0]]


def _encode(features: Floats, ranked: Ints, k1: int) -> Floats:
    """V, float32 [N, N]: the softmax of minus the squared distance over each row's expanded set."""
    half = int(np.around(k1 / 2))
    sets = [_reciprocal(ranked, row, k1) for row in range(len(ranked))]
    half_sets = [_reciprocal(ranked, row, half) for row in range(len(ranked))]
    points = torch.from_numpy(features)
    v = np.zeros((len(ranked), len(ranked)), np.float32)
    for row, members in enumerate(sets):
        expanded = members
        for member in members:
            near = half_sets[member]
            if len(np.intersect1d(near, members)) > 2 / 3 * len(near):
                expanded = np.append(expanded, near)
        expanded = np.unique(expanded)
        v[row, expanded] = (
            torch.softmax(-_squared_distances(points[row : row + 1], points[expanded]), dim=1)
            .view(-1)
            .numpy()
        )
    return v


def _squared_distances(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    lengths = x.pow(2).sum(dim=1, keepdim=True) + y.pow(2).sum(dim=1)
    return lengths.addmm_(x, y.t(), beta=1, alpha=-2)


def _expand(v: Floats, ranked: Ints, k2: int) -> Floats:
    """The mean of V over the first k2 ranks of each row."""
    if k2 == 1:
        return v
    expanded = np.zeros_like(v)
    for row in range(len(v)):
        expanded[row] = np.mean(v[ranked[row, :k2]], axis=0)
    return expanded


def _jaccard(v: Floats) -> Floats:
    """1 - s / (2 - s), with s the sum over the columns of the smaller of two rows' entries."""
    owners = [np.where(v[:, column] != 0)[0] for column in range(len(v))]
    distance = np.zeros_like(v)
    for row in range(len(v)):
        overlap = np.zeros((1, len(v)), np.float32)
        for column in np.where(v[row] != 0)[0]:
            others = owners[column]
            overlap[0, others] = overlap[0, others] + np.minimum(v[row, column], v[others, column])
        distance[row] = 1 - overlap / (2 - overlap)
    distance[distance < 0] = 0
    return distance
