"""Tracklets of one view that look like pieces of one pass, so that they are never pushed apart as negatives.

A tracker may cut one pass of a person into several tracklets. Two tracklets are linked when they are as
similar to each other as the parts of one tracklet are among themselves. Links are not closed transitively:
chains of them join different people.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from raydist.errors import ConfigError, DataError
from raydist.neighbours.search.lists import shard_topk
from raydist.neighbours.search.ranked import PADDING
from raydist.types import Doubles, Floats, Ints


def ignore_graph(sub_features: Floats, view: Ints, *, top: int = 3, slack: float = 0.3) -> csr_array:
    """Link tracklets of the same view that are probably the same person.

    With s_ij the mean similarity between the sub-tracklets of i and j and rho_i the mean similarity among
    those of i, i and j are linked when each is among the `top` nearest of the other in their view, and s_ij >
    (1 - slack) min(rho_i, rho_j).

    Args:
        sub_features: float32 [N, K, D], unit features of the K sub-tracklets of each tracklet.
        view: int64 [N], the (modality, camera) of each tracklet.
        top: how many nearest tracklets are looked at.
        slack: how much less similar than parts of one tracklet, in [0, 1].

    Returns:
        Symmetric boolean CSR [N, N], without a diagonal; it never links two views.

    Raises:
        DataError: the shapes do not fit.
        ConfigError: top < 1 or slack is outside [0, 1].

    >>> z = np.array([[[1, 0]], [[1, 0]], [[0, 1]]], np.float32)
    >>> ignore_graph(z, np.zeros(3, np.int64)).toarray().astype(int).tolist()
    [[0, 1, 0], [1, 0, 0], [0, 0, 0]]
    """
    if sub_features.ndim != 3 or view.shape != sub_features.shape[:1]:
        raise DataError(
            f"sub-tracklet features {sub_features.shape} and views {view.shape}: expected [N, K, D] and [N]"
        )
    if top < 1 or not 0 <= slack <= 1:
        raise ConfigError(f"top {top} and slack {slack}: expected top >= 1 and slack in [0, 1]")
    num_rows = len(sub_features)
    mean = sub_features.mean(axis=1, dtype=np.float64).astype(np.float32)
    consistency = self_consistency(sub_features)
    links = [_view_links(mean, consistency, np.flatnonzero(view == v), top, slack) for v in np.unique(view)]
    i, j = np.concatenate([np.empty((2, 0), np.int64), *links], axis=1)
    directed = csr_array((np.ones(len(i), bool), (i, j)), shape=(num_rows, num_rows))
    return csr_array(directed.multiply(directed.T))


def self_consistency(sub_features: Floats) -> Doubles:
    """The mean similarity rho_i among the sub-tracklets of each tracklet; 1 where there is only one.

    Args:
        sub_features: float32 [N, K, D].

    Returns:
        float64 [N].
    """
    num_parts = sub_features.shape[1]
    if num_parts == 1:
        return np.ones(len(sub_features))
    parts = sub_features.astype(np.float64)
    pairs = (parts.sum(axis=1) ** 2).sum(axis=1) - (parts**2).sum(axis=(1, 2))
    return pairs / (num_parts * (num_parts - 1))


def _view_links(mean: Floats, consistency: Doubles, rows: Ints, top: int, slack: float) -> Ints:
    """Directed links int64 [2, E] inside one view: similar enough, and among the nearest of their first end.

    The mean over all pairs of parts is the dot product of the means over parts: s_ij = mean(z_i) . mean(z_j).
    """
    ids, similarity = shard_topk(mean[rows], mean[rows], k=top, shard_ids=rows, exclude=rows)
    i = np.broadcast_to(rows[:, None], ids.shape)
    floor = (1 - slack) * np.minimum(consistency[i], consistency[ids])
    linked = (ids != PADDING) & (similarity > floor)
    return np.stack((i[linked], ids[linked]))
