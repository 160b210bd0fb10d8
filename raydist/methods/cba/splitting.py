"""From coarse to fine: infrared clusters are split along reliable visible prototypes (PGUR of CBA).

CBA, arXiv 2604.15631. People differ less in infrared images, so infrared clusters are fewer and coarser than
visible ones. How many visible prototypes a cluster may hold follows from its size; its members are divided
among them; every part is a cluster of its own.

Sizes of arrays: n infrared tracklets in C clusters, G guides (reliable visible prototypes).
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array, diags_array, eye_array

from raydist.clustering.spec import Clustering
from raydist.methods.cba.posterior import cluster_means, scaled_rows
from raydist.neighbours.jaccard.edges import Edges
from raydist.neighbours.jaccard.slabs import in_small_slabs
from raydist.types import NOISE, Ints, Labels


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


def largest(mass: csr_array, capacity: Ints) -> csr_array:
    """The q_c guides with the most mass in each cluster; ties go to the smaller number.

    Args:
        mass: float64 CSR [C, G].
        capacity: int64 [C].

    Returns:
        float64 CSR [C, G], ones for q_c of the entries in row c, or for all where there are fewer.
    """
    row = np.repeat(np.arange(mass.shape[0]), np.diff(mass.indptr))
    order = np.lexsort((mass.indices, -mass.data, row))  # rows stay where they are
    place = np.arange(len(order)) - mass.indptr[row]
    chosen = order[place < capacity[row]]
    return csr_array((np.ones(len(chosen)), (row[chosen], mass.indices[chosen])), shape=mass.shape)


def restrict(posterior: csr_array, labels: Labels, allowed: csr_array) -> csr_array:
    """The posterior of each tracklet over the guides of its cluster; of noise, over all that it looks at.

    Args:
        posterior: float64 CSR [n, G], rows that sum to 1.
        labels: int64 [n].
        allowed: CSR [C, G], ones, at least one in every row.

    Returns:
        float64 CSR [n, G], rows that sum to 1; a row that looks at no allowed guide is spread over them all.
    """
    return in_small_slabs(len(labels), lambda rows: _restricted(posterior[rows], labels[rows], allowed))


def _restricted(posterior: csr_array, labels: Labels, allowed: csr_array) -> csr_array:
    members = np.flatnonzero(labels != NOISE)
    shape = (len(labels), allowed.shape[0])
    of_row = csr_array((np.ones(len(members)), (members, labels[members])), shape=shape) @ allowed
    inside = csr_array(posterior.multiply(of_row))
    lost = np.zeros(len(labels))
    lost[members] = inside.sum(axis=1)[members] == 0
    noise = (labels == NOISE).astype(np.float64)
    together = csr_array(inside + scaled_rows(of_row, lost) + scaled_rows(posterior, noise))
    together.eliminate_zeros()
    return scaled_rows(together, 1 / together.sum(axis=1))


def affinity(distance: csr_array, first: int) -> csr_array:
    """Rows of A: one minus the Jaccard distance, one on the diagonal, divided by the sum of each row.

    Args:
        distance: float32 CSR [r, n], of consecutive rows, no diagonal; see `Edges.matrix`.
        first: the number of the first of them.

    Returns:
        float64 CSR [r, n].
    """
    similar = distance.astype(np.float64)
    similar.data = 1 - similar.data
    similar = csr_array(similar + eye_array(*distance.shape, k=first, format="csr"))
    return csr_array(diags_array(1 / similar.sum(axis=1)) @ similar)


def smooth(posterior: csr_array, edges: Edges, *, num_rounds: int) -> csr_array:
    """Blend each posterior with those of its neighbours, round after round: q <- A q / 2 + q0 / 2.

    Args:
        posterior: float64 CSR [n, G], q0.
        edges: between the n rows, for A; see `affinity`.
        num_rounds: 0 for none.
    """
    distance, blended = edges.matrix(posterior.shape[0]), posterior

    def blend(rows: slice) -> csr_array:
        weights = affinity(distance[rows], rows.start)
        return csr_array(0.5 * (weights @ blended) + 0.5 * posterior[rows])

    for _ in range(num_rounds):
        blended = in_small_slabs(posterior.shape[0], blend)
    return blended


def reorganise(labels: Labels, posterior: csr_array, allowed: csr_array) -> Labels:
    """Split every cluster that may hold several guides along them.

    Each member goes to its likeliest guide of those allowed. Guides that get fewer than two members give them
    up to the likeliest of the other ones; where no guide gets two, the cluster stays whole, as do all with
    one guide, and noise.

    Args:
        labels: int64 [n], C clusters.
        posterior: float64 CSR [n, G].
        allowed: CSR [C, G], ones.

    Returns:
        int64 [n]: the parts numbered from 0, by old cluster and guide.

    >>> posterior = csr_array(np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.3, 0.7], [0.5, 0.5]]))
    >>> reorganise(np.array([0, 0, 0, 0, -1]), posterior, csr_array(np.ones((1, 2))))
    array([ 0,  0,  1,  1, -1])
    """
    part, by_cluster = np.zeros(len(labels), np.int64), np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[by_cluster], np.arange(allowed.shape[0] + 1))
    for cluster in np.flatnonzero(np.diff(allowed.indptr) > 1):
        rows = by_cluster[starts[cluster] : starts[cluster + 1]]
        of_members = posterior[rows][:, np.sort(allowed[[cluster]].indices)].toarray()
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
    posterior: csr_array, clustering: Clustering, person: float, *, eta: float, num_rounds: int
) -> tuple[Labels, csr_array]:
    """The fine step: find the clusters that hold several people, and split them along the guides.

    Args:
        posterior: float64 CSR [n, G] of the coarse step.
        clustering: of the infrared tracklets.
        person: see `person_size`.
        eta: see `capacities`.
        num_rounds: see `smooth`.

    Returns:
        Clusters int64 [n], and the restricted and smoothed posteriors float64 CSR [n, G].
    """
    labels = clustering.labels
    sizes = np.bincount(labels[labels != NOISE])
    capacity = capacities(sizes, person, eta=eta, num_guides=posterior.shape[1])
    allowed = largest(cluster_means(posterior, labels), capacity)
    posterior = restrict(posterior, labels, allowed)
    posterior = smooth(posterior, clustering.edges, num_rounds=num_rounds)
    return reorganise(labels, posterior, allowed), posterior
