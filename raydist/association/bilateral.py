"""Bilateral many-to-many matching of the clusters of two modalities.

Cheng et al., "Efficient Bilateral Cross-Modality Cluster Matching for Unsupervised Visible-Infrared Person
ReID", ACM MM 2023, arXiv 2305.12673. Distances are squared Euclidean ones of unit centroids, 2 - 2 cos, so
the lowest total distance is the largest total similarity.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, vstack

from raydist.association.assignment import assign
from raydist.association.progressive import UNMATCHED, ClusterMatching
from raydist.neighbours.search.exact import exact_dot, similarities
from raydist.types import Doubles, Floats, Ints

SIMILARITIES_AT_ONCE = 1 << 20
"""So many similarities are in memory together, 8 MB."""


def bilateral_matching(visible: Floats, infrared: Floats) -> csr_array:
    """Which clusters belong together: `optimal_partners`, then `closer_than_partners`.

    Args:
        visible: float32 [C_v, D] unit centroids.
        infrared: float32 [C_i, D].

    Returns:
        Boolean CSR [C_v, C_i]; no row and no column is empty unless one of the sides is.

    Raises:
        FeatureError: a value is not finite, or the widths differ.

    >>> x = np.eye(3, dtype=np.float32)
    >>> bilateral_matching(x[[0, 1, 1]], x[[1, 0]]).toarray().astype(int).tolist()
    [[0, 1], [1, 0], [1, 0]]
    """
    return closer_than_partners(visible, infrared, optimal_partners(visible, infrared))


def optimal_partners(visible: Floats, infrared: Floats) -> ClusterMatching:
    """A partner for every cluster, each direction by an assignment of its own of the lowest total distance.

    The clusters of the smaller side, C_s of them, are assigned one to one. The C_b of the larger side are
    assigned to floor(C_b / C_s) + 1 copies of the smaller one, so that a cluster of it may serve as many.
    Very many clusters are assigned nearly so, see `raydist.association.assignment`.

    Args:
        visible: float32 [C_v, D] unit centroids.
        infrared: float32 [C_i, D]; the smaller side where there are equally many.

    Returns:
        Partners of both sides, of which neither direction follows from the other; all `UNMATCHED` when either
        side is empty.

    Raises:
        FeatureError: a value is not finite, or the widths differ.

    >>> x = np.eye(3, dtype=np.float32)
    >>> [partners.tolist() for partners in optimal_partners(x[[0, 1, 1]], x[[1, 0]])]
    [[1, 0, 0], [1, 0]]
    """
    if not len(visible) or not len(infrared):
        return ClusterMatching(*(np.full(len(side), UNMATCHED, np.int64) for side in (visible, infrared)))
    if len(visible) >= len(infrared):
        of_infrared, of_visible = _assigned(infrared, visible)
    else:
        of_visible, of_infrared = _assigned(visible, infrared)
    return ClusterMatching(of_visible, of_infrared)


def closer_than_partners(visible: Floats, infrared: Floats, partners: ClusterMatching) -> csr_array:
    """The pairs of clusters that are at least as close as the partner of one of the two is to it.

    Args:
        visible: float32 [C_v, D] unit centroids.
        infrared: float32 [C_i, D].
        partners: of all clusters of both sides.

    Returns:
        Boolean CSR [C_v, C_i], which has all pairs of partners.

    >>> x = np.eye(2, dtype=np.float32)
    >>> partners = ClusterMatching(np.array([0, 1]), np.array([1, 0]))
    >>> closer_than_partners(x, x[[0, 0]], partners).toarray().astype(int).tolist()
    [[1, 1], [1, 1]]
    """
    if not len(visible) or not len(infrared):
        return csr_array((len(visible), len(infrared)), dtype=bool)
    of_visible = _similarities_of_pairs(visible, infrared[partners.visible_to_infrared])
    of_infrared = _similarities_of_pairs(infrared, visible[partners.infrared_to_visible])
    at_once, blocks = max(1, SIMILARITIES_AT_ONCE // len(infrared)), []
    for start in range(0, len(visible), at_once):
        some = slice(start, start + at_once)
        across = similarities(visible[some], infrared)
        blocks.append(csr_array((across >= of_visible[some, None]) | (across >= of_infrared)))
    return csr_array(vstack(blocks, format="csr"))


def _assigned(smaller: Floats, larger: Floats) -> tuple[Ints, Ints]:
    """The partners of the smaller side in the larger one, one to one, and those of the larger one."""
    _, of_smaller = assign(smaller, larger, _itself)
    copies = len(larger) // len(smaller) + 1
    rows, columns = assign(np.tile(smaller, (copies, 1)), larger, _itself)
    of_larger = np.empty(len(larger), np.int64)
    of_larger[columns] = rows % len(smaller)
    return of_smaller, of_larger


def _itself(cosines: Doubles) -> Doubles:
    return cosines


def _similarities_of_pairs(left: Floats, right: Floats) -> Doubles:
    """float64 [n]: the product of each row with the one beside it, with the same bits as `similarities`."""
    return np.array([exact_dot(x, y) for x, y in zip(left, right, strict=True)])
