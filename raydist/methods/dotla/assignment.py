"""What the tracklets of each modality learn about the clusters of the other: by transport, by neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.sparse import csr_array

from raydist.association.neighbour_labels import neighbour_distributions
from raydist.association.optimal_labels import optimal_labels
from raydist.config import Section
from raydist.methods.common.clusters import ModalityClusters
from raydist.methods.common.labels import ClusterArrays
from raydist.methods.common.nearest_prototypes import nearest_prototypes
from raydist.methods.epoch_features import EpochFeatures
from raydist.on_resume import OnResume
from raydist.types import NOISE, Doubles, Floats, Labels, Modality

Marginal = Literal["uniform", "sizes"]
"""What a cluster takes of the other modality: as much as any other one, or by the number of its tracklets."""


class AssignmentParams(Section):
    """Hyper-parameters of the assignment and of the neighbours.

    Attributes:
        sharpness: l of the kernel exp(-l D); the larger, the closer to an assignment of least total distance.
        num_candidates: the nearest clusters that a tracklet can be assigned to; None for all.
        marginal: what each cluster takes.
        sinkhorn_iterations: rounds of the scaling at most.
        sinkhorn_tolerance: the scaling ends where its column scales change by less, all together; 0 for all
            rounds.
        num_neighbours: k, tracklets of the other modality whose labels refine one's.
    """

    on_resume: ClassVar = OnResume.KEPT

    sharpness: float = Field(25.0, gt=0)
    num_candidates: int | None = Field(32, ge=1)
    marginal: Marginal = "uniform"
    sinkhorn_iterations: int = Field(500, ge=1)
    sinkhorn_tolerance: float = Field(0.1, ge=0)
    num_neighbours: int = Field(10, ge=1)


@dataclass(frozen=True, kw_only=True)
class AssignedArrays(ClusterArrays):
    """The clusters of each modality, and what their tracklets learn about those of the other.

    Attributes:
        assigned: int64 [N], the cluster of the other modality that each row is assigned to, in its numbering;
            NOISE for outliers.
        neighbours: float32 CSR [N, C_v + C_i], q: the shares of the clusters of the other modality in the
            neighbours of each row, the visible clusters first; outliers have empty rows.
    """

    assigned: Labels
    neighbours: csr_array

    def assigned_from(self, source: Modality) -> Labels:
        """int64 [N]: `assigned` of one modality's rows, NOISE on those of the other."""
        return np.where(self.own[source] == NOISE, NOISE, self.assigned)


def assign(
    means: EpochFeatures,
    clusters: ModalityClusters,
    centroids: Mapping[Modality, Floats],
    params: AssignmentParams,
) -> AssignedArrays:
    """The clusters of the other modality for all tracklets that have one of their own.

    Args:
        means: [N, 1, D], unit features of the tracklets.
        clusters: of each modality, at least one.
        centroids: float32 [C, D] unit rows of each modality.
        params: how.
    """
    arrays, assigned = clusters.arrays, np.full(len(means), NOISE)
    for source in Modality:
        asked = arrays.own[source] != NOISE
        columns = shares(arrays.own[source.other], params.marginal)
        assigned[asked] = _assigned(means, asked, centroids[source.other], columns, params)
    return AssignedArrays(
        visible=arrays.visible,
        infrared=arrays.infrared,
        assigned=assigned,
        neighbours=neighbours_of(means, clusters, params.num_neighbours),
    )


def _assigned(
    means: EpochFeatures,
    asked: NDArray[np.bool_],
    centroids: Floats,
    columns: Doubles,
    params: AssignmentParams,
) -> Labels:
    """int64 [n]: the clusters of the rows that are asked for; what they are made of is gone afterwards."""
    return optimal_labels(
        nearest_prototypes(means, asked, centroids, number=params.num_candidates),
        columns=columns,
        sharpness=params.sharpness,
        num_iterations=params.sinkhorn_iterations,
        tolerance=params.sinkhorn_tolerance,
    )


def shares(labels: Labels, marginal: Marginal) -> Doubles:
    """float64 [C]: what each cluster takes.

    Args:
        labels: int64 [N], numbered from 0 without a gap.
        marginal: by which rule.

    >>> [shares(np.array([0, 1, 1, -1]), marginal).tolist() for marginal in ("uniform", "sizes")]
    [[1.0, 1.0], [1.0, 2.0]]
    """
    sizes = np.bincount(labels[labels != NOISE]).astype(np.float64)
    return np.ones(len(sizes)) if marginal == "uniform" else sizes


def neighbours_of(means: EpochFeatures, clusters: ModalityClusters, number: int) -> csr_array:
    """`AssignedArrays.neighbours`: of the nearest tracklets of the other modality that are no outliers.

    Args:
        means: [N, 1, D], unit features of the tracklets.
        clusters: of each modality.
        number: k.
    """
    joint, own = clusters.joint, clusters.arrays.own
    place, asked = np.full(len(joint), NOISE), np.full(len(joint), NOISE)
    for modality, labels in own.items():
        place[labels != NOISE], asked[labels != NOISE] = modality.value, modality.other.value
    nearest = means.nearest_of_view(place, number, asked=asked)[0]
    return neighbour_distributions(nearest, joint, sum(clusters.of[m].num_clusters for m in Modality))
