"""Association by votes: every pair of similar rows, one of each modality, votes for the pair of its clusters.

As ADCA does (Yang et al., ACM MM 2022) to find the visible and the infrared cluster of one person. Pairs of
clusters are then taken in the order of their votes, each cluster once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from scipy.sparse import coo_array, csr_array

from raydist.association.progressive import UNMATCHED, ClusterMatching
from raydist.neighbours.search.certified.products import SingleProduct
from raydist.neighbours.search.exact import CHAINS, chained_dot, squared_lengths
from raydist.neighbours.search.ranked import NumNeighbours
from raydist.neighbours.search.rows import check_search
from raydist.types import Floats, Ints, Labels

_LEFT_BLOCK, _RIGHT_BLOCK = 512, 2048
"""Rows whose similarities are in memory at one time."""

_DOUBLE_ROUNDOFF = 2.0**-53
_UNDERFLOW = 2.0**-100


class _Decision(NamedTuple):
    """From which float32 product on a pair votes.

    Attributes:
        threshold: of the exact similarity.
        lowest: a smaller product is of a pair below the threshold.
        highest: a larger product is of a pair above the threshold.
    """

    threshold: float
    lowest: float
    highest: float


def num_groups(labels: Labels) -> int:
    """The number of groups that labels, numbered from 0, are of; noise is none.

    >>> num_groups(np.array([2, -1, 0])), num_groups(np.array([-1]))
    (3, 0)
    """
    return int(labels.max(initial=-1)) + 1


def count_votes(
    left: Floats,
    right: Floats,
    *,
    labels: tuple[Labels, Labels],
    threshold: float,
    shape: tuple[int, int] | None = None,
) -> csr_array:
    """How many pairs of a left and a right row of two groups are at least so similar.

    n(a, b) = |{(i, j): y_i = a, y_j = b, x_i . x_j >= threshold}|

    A fast product decides all pairs but those so near the threshold that its rounding matters; these are
    decided by the exact sums of all rankings (`raydist.neighbours.search.exact`). So counts do not depend on
    blocks, and those of parts of the rows add up to those of all.

    Args:
        left: float32 [l, D], of any length.
        right: float32 [r, D].
        labels: int64 [l] and [r], the groups of the left rows, 0..A-1, and of the right ones, 0..B-1; rows of
            negative labels do not vote.
        threshold: from which dot product on a pair votes.
        shape: A and B; None for those that the labels show.

    Returns:
        CSR int64 [A, B] with sorted columns; a pair of groups without votes is not stored.

    Raises:
        FeatureError: a value is not finite, or the widths differ.

    >>> x = np.eye(2, dtype=np.float32)
    >>> count_votes(x, x[[1, 1, 0]], labels=(np.array([0, 1]), np.array([0, 0, -1])), threshold=0.5).toarray()
    array([[0],
           [2]])
    """
    check_search({"left": left, "right": right}, NumNeighbours(0, 0))
    decision = _decision(left, right, threshold)
    orders = [_by_group(of) for of in labels]
    parts = [
        _votes_of_blocks((left, right), (rows, others), labels, decision)
        for rows in _blocks(orders[0], _LEFT_BLOCK)
        for others in _blocks(orders[1], _RIGHT_BLOCK)
    ]
    no_votes = (np.empty(0, np.int64),) * 3
    groups, others, counts = map(np.concatenate, zip(no_votes, *parts, strict=True))
    sizes = (num_groups(labels[0]), num_groups(labels[1])) if shape is None else shape
    votes = csr_array(coo_array((counts, (groups, others)), shape=sizes))
    votes.sum_duplicates()
    return votes


def greedy_matching(votes: csr_array) -> ClusterMatching:
    """Match groups one to one in the order of their votes, most first; each is matched at most once.

    Of pairs with equally many votes the one with the lower left group comes first, then the one with the
    lower right group.

    Args:
        votes: CSR int64 [A, B]; a pair without votes is never matched.

    Returns:
        Partners of the left and of the right groups; `UNMATCHED` for those without one.

    >>> votes = csr_array(np.array([[5, 4], [5, 0], [0, 1]]))
    >>> [partners.tolist() for partners in greedy_matching(votes)]
    [[0, -1, 1], [0, 2]]
    """
    of_left, of_right = (np.full(size, UNMATCHED, np.int64) for size in votes.shape)
    pairs = votes.tocoo()
    order = np.lexsort((pairs.col, pairs.row, -pairs.data))
    for a, b in zip(pairs.row[order].tolist(), pairs.col[order].tolist(), strict=True):
        if of_left[a] == of_right[b] == UNMATCHED:
            of_left[a], of_right[b] = b, a
    return ClusterMatching(of_left, of_right)


def _decision(left: Floats, right: Floats, threshold: float) -> _Decision:
    """Between which products of the longest rows rounding matters: float32, float64 and underflow."""
    width = left.shape[1]
    longest = np.sqrt([squared_lengths(side).max(initial=0) for side in (left, right)]).prod()
    relative = SingleProduct().relative_error(width) + 4 * (width + 8) * _DOUBLE_ROUNDOFF
    slack = float(1.01 * relative * longest + (width + 8) * _UNDERFLOW)
    return _Decision(threshold, threshold - slack, threshold + slack)


def _by_group(labels: Labels) -> Ints:
    """The rows that vote, so that those of one group follow each other."""
    order = np.argsort(labels, kind="stable")
    return order[labels[order] >= 0]


def _blocks(rows: Ints, size: int) -> list[Ints]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _votes_of_blocks(
    features: tuple[Floats, Floats],
    rows: tuple[Ints, Ints],
    labels: tuple[Labels, Labels],
    decision: _Decision,
) -> tuple[Ints, Ints, Ints]:
    """The pairs of groups that the pairs of some left and some right rows vote for, and their votes."""
    left, right = (table[of] for table, of in zip(features, rows, strict=True))
    (groups, place), (others, other_place) = (
        np.unique(each[of], return_inverse=True) for each, of in zip(labels, rows, strict=True)
    )
    counts = np.zeros((len(groups), len(others)), np.int64)
    _add_votes(left @ right.T, (left, right), (place, other_place), decision, counts)
    a, b = counts.nonzero()
    return groups[a], others[b], counts[a, b]


@njit(nogil=True, cache=True)
def _add_votes(
    products: Floats,
    features: tuple[Floats, Floats],
    places: tuple[Ints, Ints],
    decision: _Decision,
    counts: Ints,
) -> None:
    """Count the votes of all pairs of some left and some right rows.

    Args:
        products: float32 [l, r], about their dot products.
        features: float32 [l, D] and [r, D].
        places: int64 [l] and [r], where the group of each is among the counts.
        decision: which pairs vote.
        counts: int64 [A, B], to which the votes are added.
    """
    (left, right), (left_place, right_place) = features, places
    chains = np.empty(CHAINS)
    for i in range(left_place.size):
        for j in range(right_place.size):
            product = np.float64(products[i, j])
            if product < decision.lowest:
                continue
            if product > decision.highest or chained_dot(left[i], right[j], chains) >= decision.threshold:
                counts[left_place[i], right_place[j]] += 1
