"""Mutual nearest tracklets between camera views, with adaptive thresholds and soft weights.

The positive mining of HiTPro (arXiv 2604.21324): first between cameras of one modality, then between the
modalities. Two views are looked at once, the smaller view code first, so that every result here is
symmetric to the last bit. Thresholds and pools are [U, U] matrices of which only the entries above the
diagonal are used.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, eye_array

from raydist.neighbours.search.ranked import PADDING, Ranked
from raydist.types import Doubles, Ints

NO_POOL = -1
"""The pool of two views that are not mined."""

MIN_PAIRS = 5
"""Two views with fewer mutual pairs take the statistics of all pairs of their pool."""

TOLERANCE = 1e-6
"""Without any spread the threshold is the similarity itself, give or take rounding."""

SOFTNESS = 0.1
"""The margin over the threshold at which a weight has risen from 1/2 to 0.73."""


class Pairs(NamedTuple):
    """Mutual nearest tracklets, each pair once.

    Attributes:
        first: int64 [E], rows of the smaller view.
        second: int64 [E], rows of the larger view.
        similarity: float64 [E].
    """

    first: Ints
    second: Ints
    similarity: Doubles

    def take(self, chosen: NDArray[np.bool_]) -> Pairs:
        """The pairs where bool [E] is true."""
        return Pairs(self.first[chosen], self.second[chosen], self.similarity[chosen])

    def relation(self, values: NDArray[Any], num_rows: int) -> csr_array:
        """Symmetric CSR [N, N] with the value of each pair, [E], at both its places."""
        rows, columns = np.concatenate((self.first, self.second)), np.concatenate((self.second, self.first))
        return csr_array((np.concatenate((values, values)), (rows, columns)), shape=(num_rows, num_rows))


def modality_pools(view_modality: NDArray[Any], *, across: bool) -> Ints:
    """Which views are mined together, and with which others they share statistics.

    Args:
        view_modality: [U], the modality of each view.
        across: views of different modality; otherwise views of the same one.

    Returns:
        int64 [U, U]: the value of the modality whose views these are, or 0 across; `NO_POOL` for the other
        pairs of views, and on and below the diagonal.

    >>> modality_pools(np.array([0, 0, 1]), across=False).tolist()
    [[-1, 0, -1], [-1, -1, -1], [-1, -1, -1]]
    >>> modality_pools(np.array([0, 0, 1]), across=True).tolist()
    [[-1, -1, 0], [-1, -1, 0], [-1, -1, -1]]
    """
    left, right = view_modality[:, None], view_modality[None, :]
    wanted = np.triu((left != right) == across, k=1)
    pool = np.zeros_like(wanted, np.int64) if across else np.broadcast_to(left, wanted.shape).astype(np.int64)
    return np.where(wanted, pool, NO_POOL)


def mutual_pairs(nearest: Ranked, view: Ints, pool: Ints) -> Pairs:
    """Pairs (i, j) of which each is the most similar of the other in its view.

    Args:
        nearest: ids and similarities [N, U], the most similar row of each view, see
            `EpochFeatures.nearest_in_views`.
        view: int64 [N].
        pool: int64 [U, U], see `modality_pools`.
    """
    ids, similarity = nearest
    rows = np.arange(len(ids))
    mutual = (ids != PADDING) & (pool[view] != NO_POOL)
    for other, column in enumerate(ids.T):
        mutual[:, other] &= ids[column, view] == rows
    first, other_view = np.nonzero(mutual)
    return Pairs(first, ids[first, other_view], similarity[first, other_view])


def dynamic_thresholds(
    pairs: Pairs, view: Ints, pool: Ints, previous: Doubles, *, kappa: float, momentum: float = 0.5
) -> Doubles:
    """The Dynamic Threshold Strategy: a moving threshold for each pair of views.

    t_ab <- momentum t_ab + (1 - momentum) (mean + kappa std of the similarities between a and b).

    Args:
        pairs: all mutual pairs of the pools.
        view: int64 [N].
        pool: int64 [U, U].
        previous: float64 [U, U] of the epoch before, NaN where there was none; then the statistics count
            whole.
        kappa: how strict; positive is above the mean.
        momentum: share of the previous threshold.

    Returns:
        float64 [U, U]; entries outside the pools are those of `previous`. Two views with fewer than
        `MIN_PAIRS` pairs take the statistics of their pool; the standard deviation is the population's.
    """
    num_views, num_pools = len(pool), int(pool.max(initial=NO_POOL)) + 1
    a, b = view[pairs.first], view[pairs.second]
    count, own = _mean_plus_spread(a * num_views + b, pairs.similarity, num_views**2, kappa)
    _, pooled = _mean_plus_spread(pool[a, b], pairs.similarity, num_pools, kappa)
    mined = pool != NO_POOL
    few = (count < MIN_PAIRS).reshape(pool.shape)
    now = own.reshape(pool.shape)
    now[few & mined] = pooled[pool[few & mined]]
    blend = np.where(np.isnan(previous), now, momentum * previous + (1 - momentum) * now)
    return np.where(mined & ~np.isnan(now), blend, previous)


def _mean_plus_spread(group: Ints, values: Doubles, num_groups: int, kappa: float) -> tuple[Ints, Doubles]:
    """How many values each group has, and their mean + kappa std; NaN for a group of none."""
    count = np.bincount(group, minlength=num_groups)
    size = np.where(count > 0, count, np.nan)
    mean = np.bincount(group, values, num_groups) / size
    variance = np.bincount(group, (values - mean[group]) ** 2, num_groups) / size
    return count, mean + kappa * np.sqrt(variance)


def accept(pairs: Pairs, view: Ints, thresholds: Doubles) -> Pairs:
    """The pairs that reach the threshold of their views."""
    return pairs.take(pairs.similarity >= thresholds[view[pairs.first], view[pairs.second]] - TOLERANCE)


def soft_weights(pairs: Pairs, margin: Doubles, friends: csr_array) -> Doubles:
    """Soft Weight Assignment: sigmoid(margin / 0.1) (1/2 + 1/2 |N(i) and N(j)| / |N(i) or N(j)|).

    Args:
        pairs: accepted pairs.
        margin: float64 [E], similarity less threshold.
        friends: symmetric CSR [N, N], a positive value for every two rows taken for the same person; N(i) is
            i and its friends.

    Returns:
        float64 [E] in (0, 1).
    """
    circle = _circle(friends)
    common = _row_products(circle[pairs.first], circle[pairs.second])
    size = np.diff(circle.indptr)
    either = size[pairs.first] + size[pairs.second] - common
    return (0.5 + 0.5 * common / either) / (1 + np.exp(-margin / SOFTNESS))


def supporting_pairs(pairs: Pairs, friends: csr_array) -> Ints:
    """How many of the pairs join N(i) and N(j), for every pair (i, j), itself included.

    Args:
        pairs: accepted pairs.
        friends: symmetric CSR [N, N] of an earlier mining, by which N(i) is i and its friends.

    Returns:
        int64 [E], >= 1.
    """
    circle = _circle(friends)
    links = pairs.relation(np.ones(len(pairs.first)), len(circle.indptr) - 1)
    return _row_products((circle @ links)[pairs.first], circle[pairs.second]).astype(np.int64)


def _circle(friends: csr_array) -> csr_array:
    """Who belongs to N(i): ones in CSR [N, N], on the diagonal too."""
    circle = csr_array(eye_array(friends.shape[0]) + friends)
    circle.data[:] = 1
    return circle


def _row_products(left: csr_array, right: csr_array) -> Doubles:
    """The dot product of the rows of two sparse matrices, one by one."""
    return np.asarray(left.multiply(right).sum(axis=1), np.float64).ravel()
