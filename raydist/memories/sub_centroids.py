"""The two-level memory of HIL (arXiv 2509.11587): the centre of every cluster, and sub-centres around it.

Secondary clustering finds the poses, views and modalities inside a cluster; each of their centres is drawn
most of the way to the centre of the cluster. The memory is made anew with the clusters and stands still
within an epoch.
"""

from __future__ import annotations

import numpy as np

from raydist.clustering.kmeans import secondary_centres
from raydist.errors import ConfigError
from raydist.types import Floats, Ints, Labels


def sub_centroids(
    features: Floats, labels: Labels, num_sub_centres: int, seeds: Ints, *, shrink: float = 0.9
) -> Floats:
    """[b_c, s_1 .. s_n] of every cluster c, with s_j = norm(lambda b_c + (1 - lambda) k-means centre j).

    Args:
        features: float32 [N, D].
        labels: int64 [N], clusters 0..C-1, none of them empty; noise rows are left out.
        num_sub_centres: n >= 0; 0 leaves the centre of the cluster alone.
        seeds: int64 [C], where k-means starts in each cluster.
        shrink: lambda, the share of the cluster's centre in its sub-centres, 0 to 1.

    Returns:
        float32 [C, n + 1, D] unit rows. A cluster of no more than n different rows repeats its centre.

    Raises:
        ConfigError: n or lambda is out of range.
        DataError: another number of labels than features, or an empty cluster.

    >>> x = np.array([[1, 0], [0, 1], [0, 1]], np.float32)
    >>> sub_centroids(x, np.array([0, 1, 1]), 2, np.array([0, 1])).tolist()
    [[[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]], [[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]]]
    """
    if num_sub_centres < 0 or not 0 <= shrink <= 1:
        raise ConfigError(
            f"{num_sub_centres} sub-centres, shrink = {shrink}: expected at least 0, and a share of 0 to 1"
        )
    centre = secondary_centres(features, labels, 1, seeds)
    if num_sub_centres:
        # from the centre outwards, so that what k-means did not divide is the centre to the last bit
        offset = secondary_centres(features, labels, num_sub_centres, seeds) - centre
        centre = np.concatenate((centre, centre + np.float32(1 - shrink) * offset), axis=1)
    length = np.linalg.norm(centre, axis=2, keepdims=True)
    unit: Floats = centre / np.maximum(length, np.float32(1e-12))
    return unit
