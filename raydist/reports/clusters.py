"""Clusters to look at: the largest, the most mixed, identities that were split, and noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from raydist.evaluation.retrieval import evenly_spaced
from raydist.plurals import counted
from raydist.reports.association import majority
from raydist.reports.shown_tracklet import Described, ShownTracklet, shown_tracklet
from raydist.types import NOISE, UNKNOWN_IDENTITY, FrameReader, Ints, Labels, Modality

NUM_CLUSTERS = 4
"""Clusters that are shown for each modality; one that holds both may be among the largest of both."""

NUM_MIXED = NUM_SPLIT = 4
"""Mixed clusters, and split identities, that are shown."""

NUM_MEMBERS = 5
"""Members of each modality that are shown of a cluster."""


@dataclass(frozen=True)
class ShownCluster:
    """Some members of a cluster, of an identity or of the noise.

    Attributes:
        title: what it is.
        sizes: modality -> how many members it has; modalities without any are left out.
        members: those that are shown, the visible ones first.
        marks: a word for each of them.
        note: what is to be seen; empty where nothing needs to be said.
    """

    title: str
    sizes: Mapping[str, int]
    members: Sequence[ShownTracklet]
    marks: Sequence[str] = field(default_factory=list)
    note: str = ""

    @property
    def sides(self) -> dict[str, list[tuple[ShownTracklet, str]]]:
        """Modality -> its members, each with its word."""
        pairs = list(zip(self.members, self.marks, strict=True))
        return {name: [pair for pair in pairs if pair[0].modality == name] for name in self.sizes}


@dataclass(frozen=True)
class ClusterGroup:
    """Clusters that are shown for one reason, which `note` says."""

    title: str
    note: str
    clusters: Sequence[ShownCluster]


def cluster_groups(table: Described, labels: Labels, frames: FrameReader | None) -> list[ClusterGroup]:
    """All that is shown of the clusters of some tracklets; nothing where there is no cluster.

    Args:
        table: N tracklets.
        labels: int64 [N], NOISE = -1.
        frames: the frames of the same rows; None shows none.
    """
    if not (labels != NOISE).any():
        return []
    groups = [
        ClusterGroup("Largest", "Of each modality the clusters with the most members.",
                     largest_clusters(table, labels, frames)),
        ClusterGroup("Most mixed", "Those with the most members of another identity than most of them have.",
                     mixed_clusters(table, labels, frames)),
        ClusterGroup("Split identities", "Those that are spread over the most clusters; one member of each.",
                     split_identities(table, labels, frames)),
        ClusterGroup("Noise", "Some tracklets that are in no cluster.", noise(table, labels, frames)),
    ]  # fmt: skip
    return [group for group in groups if group.clusters]


def largest_clusters(table: Described, labels: Labels, frames: FrameReader | None) -> list[ShownCluster]:
    """The clusters with the most members of each modality, the largest first.

    Args:
        table: N tracklets.
        labels: int64 [N], NOISE = -1.
        frames: the frames of the same rows; None shows none.

    Returns:
        At most `NUM_CLUSTERS` for each modality; of equal sizes the smaller number comes first.
    """
    chosen: dict[int, int] = {}
    for modality in Modality:
        labelled = labels[(table.modality == modality) & (labels != NOISE)]
        numbers, sizes = np.unique(labelled, return_counts=True)
        for number in numbers[np.lexsort((numbers, -sizes))][:NUM_CLUSTERS].tolist():
            chosen[number] = int((labels == number).sum())
    order = sorted(chosen, key=lambda number: (-chosen[number], number))
    return [_cluster(number, table, labels, frames) for number in order]


def mixed_clusters(table: Described, labels: Labels, frames: FrameReader | None) -> list[ShownCluster]:
    """The clusters with the most members of another identity than that of most of them; see
    `largest_clusters`."""
    identity = known_identity(table)
    strange = {}
    for number in np.unique(labels[(labels != NOISE) & (identity != UNKNOWN_IDENTITY)]).tolist():
        of = identity[(labels == number) & (identity != UNKNOWN_IDENTITY)]
        strange[number] = int((of != majority(of)).sum())
    order = sorted(strange, key=lambda number: (-strange[number], number))[:NUM_MIXED]
    return [_cluster(number, table, labels, frames) for number in order if strange[number]]


def split_identities(table: Described, labels: Labels, frames: FrameReader | None) -> list[ShownCluster]:
    """The identities whose tracklets are in the most clusters; see `largest_clusters`."""
    identity = known_identity(table)
    rows = np.flatnonzero((identity != UNKNOWN_IDENTITY) & (labels != NOISE))
    pairs = np.unique(np.stack((identity[rows], labels[rows])), axis=1)
    persons, counts = np.unique(pairs[0], return_counts=True)
    order = np.lexsort((persons, -counts))[:NUM_SPLIT]
    return [
        _identity(int(persons[i]), int(counts[i]), rows, table=table, labels=labels, frames=frames)
        for i in order
        if counts[i] > 1
    ]


def noise(table: Described, labels: Labels, frames: FrameReader | None) -> list[ShownCluster]:
    """Some tracklets that are in no cluster, as one entry; none where all are in one."""
    rows = np.flatnonzero(labels == NOISE)
    return [_shown("Noise", table, rows, frames)] if len(rows) else []


def known_identity(table: Described) -> Ints:
    """int64 [N], UNKNOWN_IDENTITY where none is known."""
    if table.identity is None:
        return np.full(len(table.modality), UNKNOWN_IDENTITY, np.int64)
    return np.asarray(table.identity, np.int64)


def _cluster(number: int, table: Described, labels: Labels, frames: FrameReader | None) -> ShownCluster:
    rows = np.flatnonzero(labels == number)
    of = known_identity(table)[rows]
    num_persons = len(np.unique(of[of != UNKNOWN_IDENTITY]))
    note = ""
    if num_persons:
        share = 100 * float((of == majority(of)).sum()) / int((of != UNKNOWN_IDENTITY).sum())
        note = f"{counted(num_persons, 'identity')}, {share:.0f} % of the most frequent"
    return _shown(f"Cluster {number}", table, rows, frames, note=note)


def _identity(
    person: int, num_clusters: int, rows: Ints, *, table: Described, labels: Labels,
    frames: FrameReader | None,
) -> ShownCluster:  # fmt: skip
    """An identity with one member of each of its clusters, of each modality."""
    own = rows[known_identity(table)[rows] == person]
    sizes = {m.label: int((table.modality[own] == m).sum()) for m in Modality}
    shown: list[int] = []
    for modality in Modality:
        of = own[table.modality[own] == modality]
        shown += of[np.unique(labels[of], return_index=True)[1]][:NUM_MEMBERS].tolist()
    return ShownCluster(
        f"Identity {person}",
        {name: size for name, size in sizes.items() if size},
        [shown_tracklet(row, table, frames, num_frames=1) for row in shown],
        [f"cluster {labels[row]}" for row in shown],
        f"in {num_clusters} clusters",
    )


def _shown(
    title: str, table: Described, rows: Ints, frames: FrameReader | None, *, note: str = ""
) -> ShownCluster:
    by_modality = {m.label: rows[table.modality[rows] == m] for m in Modality}
    by_modality = {label: own for label, own in by_modality.items() if len(own)}
    members = [
        shown_tracklet(int(own[place]), table, frames, num_frames=1)
        for own in by_modality.values()
        for place in evenly_spaced(len(own), NUM_MEMBERS)
    ]
    marks = [m.modality if m.identity is None else f"identity {m.identity}" for m in members]
    return ShownCluster(title, {label: len(own) for label, own in by_modality.items()}, members, marks, note)
