"""Features as points in a plane: by their principal components, and by UMAP where it is installed."""

from __future__ import annotations

import warnings
from importlib.util import find_spec

import numpy as np

from raydist.types import Doubles, Floats

MIN_UMAP = 200
"""Rows from which on UMAP is computed: fewer have no neighbourhoods to speak of."""

NUM_NEIGHBOURS = 15


def principal_components(features: Floats) -> Doubles:
    """Features in the plane of their largest variance (PCA); the sign is such that the largest entry of a
    component is positive.

    Args:
        features: float32 [N, D], N >= 1.

    Returns:
        float64 [N, 2]; zeros where there is no variance.

    >>> principal_components(np.array([[1, 0], [-1, 0], [0, 0.1], [0, -0.1]], np.float32)).round(1).tolist()
    [[1.0, 0.0], [-1.0, 0.0], [0.0, 0.1], [0.0, -0.1]]
    """
    centred = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    axes = np.zeros((features.shape[1], 2))
    count = min(2, features.shape[1])
    axes[:, :count] = vectors[:, np.argsort(-values, kind="stable")[:count]]
    largest = np.abs(axes).argmax(axis=0)
    axes *= np.where(axes[largest, [0, 1]] < 0, -1.0, 1.0)
    return np.asarray(centred @ axes)


def has_umap() -> bool:
    """Whether the library ``umap-learn`` is installed; nothing of it is imported."""
    return find_spec("umap") is not None


def umap_embedding(features: Floats, *, seed: int = 0) -> Doubles:
    """Features in a plane in which neighbours stay neighbours.

    McInnes, Healy and Melville, "UMAP: Uniform Manifold Approximation and Projection", 2018.

    Args:
        features: float32 [N, D], N > `NUM_NEIGHBOURS`, compared by cosine.
        seed: of the embedding.

    Returns:
        float64 [N, 2].

    Raises:
        ImportError: ``umap-learn`` is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import umap

        reducer = umap.UMAP(n_neighbors=NUM_NEIGHBOURS, metric="cosine", random_state=seed, n_jobs=1)
        return np.asarray(reducer.fit_transform(features), np.float64)
