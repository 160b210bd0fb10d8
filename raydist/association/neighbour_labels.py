"""What the labels of a row's neighbours say of its own label.

Neighbour-consistent label refinement, as in DOTLA (Cheng et al., ACM MM 2023): the label of a row should be
like those of the rows around it, here rows of another modality, whose labels are more reliable.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from raydist.neighbours.jaccard.slabs import in_small_slabs
from raydist.neighbours.search.ranked import PADDING
from raydist.types import NOISE, Ints, Labels


def neighbour_distributions(neighbours: Ints, labels: Labels, num_clusters: int) -> csr_array:
    """The share of each cluster in the neighbours of every row: q_i = mean over j in N(i) of onehot(y_j).

    Args:
        neighbours: int64 [n, k], rows of the labels, -1 behind the last.
        labels: int64 [N]; neighbours of NOISE do not count.
        num_clusters: C, of the labels.

    Returns:
        float32 CSR [n, C] of at most k entries a row; each row sums to 1, or is empty where no neighbour has
        a label.

    >>> neighbours = np.array([[0, 1, 2], [3, -1, -1]])
    >>> neighbour_distributions(neighbours, np.array([1, 1, 0, -1]), 2).toarray().round(2)
    array([[0.33, 0.67],
           [0.  , 0.  ]], dtype=float32)
    """

    def shares(rows: slice) -> csr_array:
        return _shares(neighbours[rows], labels, num_clusters)

    return in_small_slabs(len(neighbours), shares)


def _shares(neighbours: Ints, labels: Labels, num_clusters: int) -> csr_array:
    of_neighbours = labels[neighbours]
    of_neighbours[neighbours == PADDING] = NOISE
    counts = (of_neighbours != NOISE).sum(axis=1)
    columns = of_neighbours[of_neighbours != NOISE].astype(np.int32)
    del of_neighbours
    values = np.repeat((1 / np.maximum(counts, 1)).astype(np.float32), counts)
    bounds = np.append(0, np.cumsum(counts)).astype(np.int32)
    shares = csr_array((values, columns, bounds), shape=(len(neighbours), num_clusters))
    shares.sum_duplicates()
    return shares
