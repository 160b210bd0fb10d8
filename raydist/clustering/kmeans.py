"""Secondary clustering: k-means inside each cluster, so that one cluster has several centres.

Shi et al., "HIL: Hierarchical Identity Learning for Unsupervised Visible-Infrared Person Re-identification",
arXiv 2509.11587: the coarse clusters tell people apart, the centres inside a cluster its poses, views and
modalities.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from raydist.errors import ConfigError, DataError
from raydist.types import Floats, Ints, Labels

_RESTARTS = 10


def secondary_centres(features: Floats, labels: Labels, num_centres: int, seeds: Ints) -> Floats:
    """The centres of k-means inside every cluster.

    Args:
        features: float32 [N, D].
        labels: int64 [N], clusters 0..C-1, none of them empty; noise rows are left out.
        num_centres: n, how many centres each cluster has.
        seeds: int64 [C], where k-means starts in each cluster, 0 to 2^32 - 1.

    Returns:
        float32 [C, n, D]: means of features, not brought to unit length. A cluster with no more than n
        different rows is not divided: its mean stands in all n places.

    Raises:
        ConfigError: num_centres < 1.
        DataError: another number of labels than features, or an empty cluster.

    >>> x = np.array([[0, 1], [0, 3], [5, 5], [4, 4]], np.float32)
    >>> secondary_centres(x, np.array([0, 0, 1, -1]), 1, np.array([7, 8])).tolist()
    [[[0.0, 2.0]], [[5.0, 5.0]]]
    """
    if num_centres < 1:
        raise ConfigError(f"num_centres = {num_centres}: give at least 1")
    if len(features) != len(labels):
        raise DataError(f"{len(labels)} labels for {len(features)} features: one is needed for each row")
    num_clusters = len(seeds)
    if labels.max(initial=-1) >= num_clusters:
        raise DataError(f"cluster {labels.max()}, {num_clusters} seeds: one is needed for each cluster")
    rows = np.argsort(labels, kind="stable")
    bounds = np.searchsorted(labels[rows], np.arange(num_clusters + 1))
    if (empty := np.flatnonzero(np.diff(bounds) == 0)).size:
        raise DataError(
            f"cluster {empty[0]} of {num_clusters} has no rows: number the clusters 0..C-1 without gaps"
        )
    centres = np.empty((num_clusters, num_centres, features.shape[1]), np.float32)
    with threadpool_limits(1):  # the last bits of k-means change with the number of threads
        for cluster, (first, stop) in enumerate(pairwise(bounds)):
            centres[cluster] = _centres(features[rows[first:stop]], num_centres, int(seeds[cluster]))
    return centres


def _centres(members: Floats, num_centres: int, seed: int) -> Floats:
    """k-means of the rows of a cluster, float32 [n, D]; their mean [1, D] where it cannot divide them."""
    if num_centres == 1 or len(np.unique(members, axis=0)) <= num_centres:
        mean: Floats = members.mean(axis=0, keepdims=True)
        return mean
    centres: Floats = KMeans(num_centres, n_init=_RESTARTS, random_state=seed).fit(members).cluster_centers_
    return centres
