"""Labels of the infrared clusters for both modalities, by the ranking of both branches (SDCL, HIL)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from raydist.association.ranking import agreed_labels, majority
from raydist.errors import ClusteringError
from raydist.methods.common.branch_contrast import SHARED, BranchContrastParams, new_slots
from raydist.methods.common.branches import branch_tables, joined_branches, prototypes
from raydist.methods.common.clusters import ModalityClusters, cluster_modalities
from raydist.methods.common.labels import ClusterArrays
from raydist.methods.diagnosis import Diagnosis
from raydist.methods.epoch_features import EpochFeatures
from raydist.methods.method import MethodContext, Targets
from raydist.types import NOISE, Ints, Labels, Modality


class RankingParams(BranchContrastParams):
    """Hyper-parameters of a contrast whose labels come from a ranking.

    Attributes:
        ranking: how many infrared tracklets a visible one looks at for its label.
        voters: how many visible tracklets, itself among them, vote for it then.
    """

    ranking: int = Field(20, ge=1)
    voters: int = Field(5, ge=1)


def shared_targets(
    means: EpochFeatures, context: MethodContext, params: RankingParams, *, advice: str
) -> Targets:
    """Both modalities on labels of the infrared clusters, with one memory of prototypes a branch.

    All tracklets with a label are in the prototypes; visible ones are trained on where they are in a visible
    cluster too.

    Args:
        means: [N, 1, D], of the tracklets.
        context: how each modality is clustered, and the number of branches.
        params: of the ranking.
        advice: what to change where no visible tracklet can be trained on.

    Raises:
        ClusteringError: no clustered visible tracklet receives a label.
    """
    clusters = cluster_modalities(means, context)
    branches = branch_tables(means, context.num_branches)
    joined = joined_branches(means, context.num_branches)
    received = rank(branches, joined, clusters, num_neighbours=params.ranking, num_voters=params.voters)
    infrared = clusters.labels(Modality.INFRARED)
    clustered = clusters.labels(Modality.VISIBLE) != NOISE
    visible = np.where(clustered, received, NOISE)
    if (visible == NOISE).all():
        raise ClusteringError(
            f"no clustered visible tracklet is near one of {clusters.of[Modality.INFRARED].num_clusters} "
            f"infrared clusters: {advice}, or raise clustering.eps"
        )
    return Targets(
        np.maximum(visible, infrared),
        ClusterArrays(visible=visible, infrared=infrared).pack(),
        prototypes(SHARED, branches, np.maximum(received, infrared)),
        slots=new_slots(branches, context),
        metrics={"selected": float((visible != NOISE).sum() / clustered.sum())},
        diagnosis=Diagnosis(assignment=infrared, labels_before=clusters.joint),
    )


def rank(
    branches: Sequence[EpochFeatures],
    joined: EpochFeatures,
    clusters: ModalityClusters,
    *,
    num_neighbours: int,
    num_voters: int,
) -> Labels:
    """Labels of the infrared clusters for the visible tracklets; see `raydist.association.ranking`.

    Args:
        branches: [N, 1, D / b] unit rows of each branch, deep before shallow.
        joined: [N, 1, D], all branches together, unit rows.
        clusters: of each modality.
        num_neighbours: k, infrared tracklets that a visible one looks at; all where there are fewer.
        num_voters: visible tracklets that vote for one's label, itself among them; 1 leaves labels as they
            are.

    Returns:
        int64 [N], NOISE on infrared rows and where noise wins.
    """
    visible, labels = clusters.rows[Modality.VISIBLE], clusters.labels(Modality.INFRARED)
    modality = np.full(len(labels), Modality.INFRARED.value)
    modality[visible] = Modality.VISIBLE.value
    k = min(num_neighbours, len(labels) - len(visible))
    near = [_nearest(table, modality, Modality.INFRARED, k)[visible] for table in (branches[0], branches[-1])]
    received = np.full(len(labels), NOISE)
    received[visible] = agreed_labels(*(labels[ids] for ids in near))
    others = min(num_voters, len(visible)) - 1
    if others:
        voters = _nearest(joined, modality, Modality.VISIBLE, others)[visible]
        received[visible] = majority(received[np.column_stack((visible, voters))])
    return received


def _nearest(table: EpochFeatures, modality: Ints, sought: Modality, top: int) -> Ints:
    """int64 [N, k]: for the visible tracklets the nearest others of a modality; -1 for the infrared ones."""
    asked = np.where(modality == Modality.VISIBLE, sought.value, -1)
    return table.nearest_of_view(modality, top, asked=asked)[0]
