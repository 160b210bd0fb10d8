"""From coarse to fine: infrared clusters are split along reliable visible prototypes (PGUR of CBA).

CBA, arXiv 2604.15631. People differ less in infrared images, so infrared clusters are fewer and coarser than
visible ones. How many visible prototypes a cluster may hold follows from its size; its members are divided
among them; every part is a cluster of its own.

Sizes of arrays: n infrared tracklets in C clusters, G guides (reliable visible prototypes).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array, eye_array

from raydist.clustering.spec import Clustering
from raydist.neighbours.jaccard.edges import Edges
from raydist.types import NOISE, Doubles, Ints, Labels

Mask = NDArray[np.bool_]


def cluster_means(values: Doubles, labels: Labels, *, weights: Doubles | None = None) -> Doubles:
    """The weighted mean row of each cluster.

    Args:
        values: float64 [n, G].
        labels: int64 [n], clusters numbered from 0 without a gap, noise left out.
        weights: float64 [n] > 0; None for equal ones.

    Returns:
        float64 [C, G].

    >>> weights = np.array([3.0, 1.0, 1.0])
    >>> cluster_means(np.array([[1.0], [3.0], [9.0]]), np.array([0, 0, -1]), weights=weights)
    array([[1.5]])
    """
    members = np.flatnonzero(labels != NOISE)
    own = labels[members]
    weight = np.ones(len(members)) if weights is None else weights[members]
    total = np.bincount(own, weight)
    mixing = csr_array((weight / total[own], (own, members)), shape=(len(total), len(labels)))
    means: Doubles = mixing @ values
    return means


def person_size(visible: Labels, num_infrared: int) -> float:
    """The expected infrared tracklets of a person: the median visible cluster, scaled to the infrared rows.

    Args:
        visible: int64 [m], clusters of all visible tracklets; at least one cluster.
        num_infrared: number of infrared tracklets n.

    >>> person_size(np.array([0, 0, 1, 1, -1, 2, 2, 2]), num_infrared=16)
    4.0
    """
    return float(np.median(np.bincount(visible[visible != NOISE]))) * num_infrared / len(visible)


def capacities(sizes: Ints, person: float, *, eta: float, num_guides: int) -> Ints:
    """How many visible prototypes each infrared cluster may hold.

    q_c = ceil(eta |c| / s), at most G, for a cluster c of more than eta s tracklets, where s is the size of a
    person; a smaller one is taken for one person.

    Args:
        sizes: int64 [C], tracklets of each cluster.
        person: s > 0, see `person_size`.
        eta: how much more than its share a cluster may hold, >= 1.
        num_guides: G.

    Returns:
        int64 [C], 1 to G.

    >>> capacities(np.array([4, 6, 8, 40]), 4.0, eta=1.5, num_guides=10)
    array([ 1,  1,  3, 10])
    """
    most = np.ceil(eta * sizes / person - 1e-9).astype(np.int64)
    return np.where(sizes > eta * person, np.clip(most, 1, num_guides), 1)


def largest(mass: Doubles, capacity: Ints) -> Mask:
    """The q_c guides with the most mass in each cluster; ties go to the smaller number.

    Args:
        mass: float64 [C, G].
        capacity: int64 [C].

    Returns:
        bool [C, G], q_c true in row c.
    """
    place = np.argsort(np.argsort(-mass, axis=1, kind="stable"), axis=1, kind="stable")
    chosen: Mask = place < capacity[:, None]
    return chosen


def restrict(posterior: Doubles, labels: Labels, allowed: Mask) -> Doubles:
    """The posterior of each tracklet over the guides of its cluster; of noise, over all.

    Args:
        posterior: float64 [n, G], rows that sum to 1.
        labels: int64 [n].
        allowed: bool [C, G], at least one true in every row.

    Returns:
        float64 [n, G], rows that sum to 1.
    """
    all_guides = np.ones((1, posterior.shape[1]), bool)
    of_row = np.concatenate((allowed, all_guides))[labels]  # NOISE = -1 reads the last row: all guides
    kept = np.where(of_row, np.maximum(posterior, np.finfo(np.float64).tiny), 0.0)
    return kept / kept.sum(axis=1, keepdims=True)


def affinity(edges: Edges, num_rows: int) -> csr_array:
    """A, CSR [n, n]: one minus the Jaccard distance, one on the diagonal, divided by the sum of each row."""
    distance = edges.matrix(num_rows).astype(np.float64)
    distance.data = 1 - distance.data
    similar = csr_array(distance + eye_array(num_rows, format="csr"))
    return csr_array(diags_array(1 / similar.sum(axis=1)) @ similar)


def smooth(posterior: Doubles, weights: csr_array, *, num_rounds: int) -> Doubles:
    """Blend each posterior with those of its neighbours, round after round: q <- A q / 2 + q0 / 2.

    Args:
        posterior: float64 [n, G], q0.
        weights: CSR [n, n], A, rows that sum to 1.
        num_rounds: 0 for none.
    """
    blended = posterior
    for _ in range(num_rounds):
        blended = 0.5 * (weights @ blended) + 0.5 * posterior
    return blended


def reorganise(labels: Labels, posterior: Doubles, allowed: Mask) -> Labels:
    """Split every cluster that may hold several guides along them.

    Each member goes to its likeliest guide of those allowed. Guides that get fewer than two members give them
    up to the likeliest of the other ones; where no guide gets two, the cluster stays whole, as do all with
    one guide, and noise.

    Args:
        labels: int64 [n], C clusters.
        posterior: float64 [n, G].
        allowed: bool [C, G].

    Returns:
        int64 [n]: the parts numbered from 0, by old cluster and guide.

    >>> posterior = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.3, 0.7], [0.5, 0.5]])
    >>> reorganise(np.array([0, 0, 0, 0, -1]), posterior, np.array([[True, True]]))
    array([ 0,  0,  1,  1, -1])
    """
    part = np.zeros(len(labels), np.int64)
    for cluster in np.flatnonzero(allowed.sum(axis=1) > 1):
        rows = np.flatnonzero(labels == cluster)
        of_members = posterior[np.ix_(rows, np.flatnonzero(allowed[cluster]))]
        kept = np.bincount(of_members.argmax(axis=1), minlength=of_members.shape[1]) >= 2
        if kept.any():
            part[rows] = np.flatnonzero(kept)[of_members[:, kept].argmax(axis=1)]
    members = labels != NOISE
    refined = np.full(len(labels), NOISE)
    refined[members] = np.unique(np.stack((labels, part))[:, members], axis=1, return_inverse=True)[1]
    return refined


def num_split(before: Labels, after: Labels) -> int:
    """How many clusters were split.

    >>> num_split(np.array([0, 0, 1, 1, -1]), np.array([0, 1, 2, 2, -1]))
    1
    """
    members = before != NOISE
    pairs = np.unique(np.stack((before, after))[:, members], axis=1)
    return int((np.bincount(pairs[0]) > 1).sum())


def split_crowded(
    posterior: Doubles, clustering: Clustering, person: float, *, eta: float, num_rounds: int
) -> tuple[Labels, Doubles]:
    """The fine step: find the clusters that hold several people, and split them along the guides.

    Args:
        posterior: float64 [n, G] of the coarse step.
        clustering: of the infrared tracklets.
        person: see `person_size`.
        eta: see `capacities`.
        num_rounds: see `smooth`.

    Returns:
        Clusters int64 [n], and the restricted and smoothed posteriors float64 [n, G].
    """
    labels, num_rows = clustering.labels, len(posterior)
    sizes = np.bincount(labels[labels != NOISE])
    capacity = capacities(sizes, person, eta=eta, num_guides=posterior.shape[1])
    allowed = largest(cluster_means(posterior, labels), capacity)
    neighbours = affinity(clustering.edges, num_rows)
    smoothed = smooth(restrict(posterior, labels, allowed), neighbours, num_rounds=num_rounds)
    return reorganise(labels, smoothed, allowed), smoothed
