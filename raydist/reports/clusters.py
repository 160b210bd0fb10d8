"""Clusters to look at: some members of the largest ones, for a run that has no queries to rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from raydist.evaluation.retrieval import evenly_spaced
from raydist.reports.shown_tracklet import Described, ShownTracklet, shown_tracklet
from raydist.types import NOISE, FrameReader, Ints, Labels, Modality

NUM_CLUSTERS = 4
"""Clusters that are shown for each modality; one that holds both may be among the largest of both."""

NUM_MEMBERS = 5
"""Members of each modality that are shown of a cluster."""


@dataclass(frozen=True)
class ShownCluster:
    """Some members of a cluster.

    Attributes:
        number: its label.
        sizes: modality -> how many members it has; modalities without any are left out.
        members: those that are shown, the visible ones first.
    """

    number: int
    sizes: Mapping[str, int]
    members: Sequence[ShownTracklet]


def largest_clusters(table: Described, labels: Labels, frames: FrameReader) -> list[ShownCluster]:
    """The clusters with the most members of each modality, the largest first.

    Args:
        table: N tracklets.
        labels: int64 [N], NOISE = -1.
        frames: the frames of the same rows.

    Returns:
        At most `NUM_CLUSTERS` for each modality; of equal sizes the smaller number comes first.
    """
    chosen: set[int] = set()
    for modality in Modality:
        labelled = labels[(table.modality == modality) & (labels != NOISE)]
        numbers, sizes = np.unique(labelled, return_counts=True)
        chosen.update(numbers[np.lexsort((numbers, -sizes))][:NUM_CLUSTERS].tolist())
    clusters = [_shown(number, table, np.flatnonzero(labels == number), frames) for number in chosen]
    return sorted(clusters, key=lambda cluster: (-sum(cluster.sizes.values()), cluster.number))


def _shown(number: int, table: Described, rows: Ints, frames: FrameReader) -> ShownCluster:
    by_modality = {m.label: rows[table.modality[rows] == m] for m in Modality}
    by_modality = {label: own for label, own in by_modality.items() if len(own)}
    members = [
        shown_tracklet(int(own[place]), table, frames, num_frames=1)
        for own in by_modality.values()
        for place in evenly_spaced(len(own), NUM_MEMBERS)
    ]
    return ShownCluster(number, {label: len(own) for label, own in by_modality.items()}, members)
